from itertools import product

import pytest

from optical_core.retrieval import near_words
from optical_core.retrieval.near_words import LEAST, MOST, NearWords


@pytest.mark.parametrize(
    ("word", "nearest"),
    [
        ("wanafunzi", "mwanafunzi"),
        ("bahari", "bahari"),
        ("baharini", "bahari"),
        ("baharini2", None),
        ("bah", None),
        ("xyzxyz", None),
        ("", None),
    ],
)
def test_words_are_near_by_their_spelling(word, nearest):
    found = NearWords(["bah", "mwanafunzi", "mwalimu", "bahari", "2011"]).nearest(word)
    assert (found[0][0] if found else None) == nearest
    assert all(LEAST <= cosine <= 1 + 1e-9 for _, cosine in found)


def test_the_nearest_come_first_and_there_are_few(monkeypatch):
    monkeypatch.setattr(near_words, "LEAST", 0.2)
    others = ["".join(parts) for parts in product(("ba", "ku", "sho", "ne"), repeat=4)]
    known = [*others, *(f"wanafunzi{ending}" for ending in ("j", "i", "", *"hgfedcba"))]
    found = NearWords(known).nearest("wanafunzi")
    assert found[0] == ("wanafunzi", pytest.approx(1))
    assert [word for word, _ in found[1:]] == [f"wanafunzi{letter}" for letter in "jihgfed"]
    assert len(found) == MOST


@pytest.mark.parametrize("known", [[], ["ya", "2011"]])
def test_a_list_without_comparable_words_is_near_none(known):
    assert NearWords(known).nearest("bahari") == []
