"""Hard negatives: what is left out of them, and what the rows of a training have instead."""

import pytest

from optical_core.data.collection import Passage
from optical_core.data.examples import Example
from optical_core.data.relevance import Relevance
from optical_core.distill.mining import mine
from optical_core.distill.relevance_batches import Row, contrastive_rows

SALT = "the sea is salty because rivers carry salt from the rocks into it"
PASSAGES = {
    passage.id: passage
    for passage in (
        Passage("s/answer", "Sea", SALT),
        Passage("s/sibling", "Sea", "most of the water on earth is in it"),
        Passage("s/copy", "Ocean", SALT + " all the time"),
        Passage("s/close", "Salt", "salt comes from mines and from the water of lakes"),
        Passage("s/far", "Moon", "the moon is a cold star"),
        Passage("s/other", "Fish", "a fish in the river"),
    )
}
EXAMPLE = Example("why is the sea salty", ("s/answer",), source="s")
RANKING = [
    ("s/close", 9.9),
    ("s/answer", 10.0),
    ("s/sibling", 8.0),
    ("s/copy", 7.0),
    ("s/far", 2.0),
    ("s/other", 1.0),
]


def test_passages_that_may_be_relevant_are_no_negatives_and_are_told_apart():
    mined = mine([EXAMPLE], PASSAGES, lambda queries: [RANKING], share=0.95)
    assert mined.negatives == [("s/far", "s/other")]
    assert mined.doubtful == [("s/close", "s/sibling", "s/copy")]
    assert mined.dropped == {"score too high": 1, "same document": 1, "near duplicate": 1}


def test_without_the_relevant_passage_there_is_no_score_to_compare_with():
    mined = mine([EXAMPLE], PASSAGES, lambda queries: [RANKING[3:]], share=0.95)
    assert (mined.negatives, mined.doubtful) == ([()], [()])
    assert mined.dropped == {"relevant passage not found": 1}


@pytest.mark.parametrize(("known", "drawn"), [(("s/sibling",), "s/sibling"), ((), None)])
def test_a_row_has_a_doubtful_passage_of_its_own(known, drawn):
    """Without one, any passage that the row doesn't have."""
    relevance = Relevance((EXAMPLE,), PASSAGES)
    batches = [[Row(0, "s/answer")]] * 8
    mined = {0: ("s/far",)}
    rows, random_ones = contrastive_rows(relevance, batches, mined, {0: known}, negatives=1, seed=1)
    assert rows.column_names == ["query", "positive", "negative_1", "doubtful"]
    assert random_ones == 0
    texts = {key: passage.full_text for key, passage in PASSAGES.items()}
    if drawn:
        assert set(rows["doubtful"]) == {texts[drawn]}
    else:
        assert not {texts["s/answer"], texts["s/far"]} & set(rows["doubtful"])
        assert len(set(rows["doubtful"])) > 1
    without, _ = contrastive_rows(relevance, batches, mined, negatives=1, seed=1)
    assert without.column_names == ["query", "positive", "negative_1"]
