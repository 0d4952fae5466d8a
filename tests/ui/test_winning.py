"""Why one result wins: both scores word by word, as the pages show them."""

import pytest

from optical_core.data.lexicons import write_lexicon
from optical_core.errors import InputError
from optical_core.retrieval.word_shares import PLACES
from optical_core.ui.library import Library
from optical_core.ui.search.view import ask
from optical_core.ui.search.winning import contest, scored
from tests.conftest import tiny_collection

QUERY = "why is the sea salty ?"


@pytest.fixture
def library(home, tiny_encoder):
    (home / "models").mkdir(parents=True, exist_ok=True)
    tiny_collection(home / "collections" / "tiny")
    return Library()


def side(library, model, identifier, query=QUERY):
    asked = ask(library, "tiny", query)
    ranking = library.rank(model, "tiny", query, 10)
    return asked, scored(asked, model, ranking.passages[identifier], ranking)


def test_two_passages_by_bm25_add_up_and_the_table_ends_with_the_sums(library):
    asked, one = side(library, "bm25", "p1")
    _, other = side(library, "bm25", "p2")
    found = contest(asked, one, other)
    assert found.names == ("Sea", "Moon")
    assert found.comparable
    table = found.table()
    assert list(table) == ["word", "Sea", "Moon", "difference", "matched, Sea", "matched, Moon"]
    assert list(table["word"]) == [*QUERY.split(), "sum"]
    for name, each in (("Sea", one), ("Moon", other)):
        shown = table[name]
        assert round(shown[:-1].sum(), PLACES) == shown.iloc[-1] == round(each.score, PLACES)
    row = table.set_index("word").loc["sea"]
    assert row["matched, Sea"] == "Sea."
    assert row["matched, Moon"] == ""
    assert found.told.startswith("Sea is ahead by ")
    assert one.text[slice(*next(iter(one.spans)))] in one.text.split()
    bars = found.picture(dark=False).data[0]
    assert list(bars.x) == list(table["Sea"][:-1])
    assert bars.name.startswith("Sea: ")


def test_one_passage_in_two_models_on_different_scales(library, home):
    asked, one = side(library, "bm25", "p1")
    _, same = side(library, "bm25%3", "p1")
    assert contest(asked, one, same).names == ("bm25", "bm25%3")
    assert contest(asked, one, same).told == "bm25 and bm25%3 are level."
    _, fused = side(library, "rrf(bm25,bm25%1)", "p1")
    assert [each.word for each in fused.words] == ["bm25", "bm25%1"]
    found = contest(asked, fused, side(library, "0.5*bm25+0.5*bm25%1", "p1")[1])
    assert not found.comparable
    assert "different scales" in found.told
    assert "difference" not in found.table()
    with pytest.raises(InputError, match="no words in common"):
        contest(asked, one, fused)
    write_lexicon(home / "lexicons" / "sw.tsv", {"bahari": {"sea": 1.0}})
    with pytest.raises(InputError, match="no explanation of p1's score"):
        side(library, f"psq@{home / 'lexicons'}", "p1", "bahari")


def test_equal_titles_are_told_apart(library):
    asked, one = side(library, "bm25", "p1")
    assert contest(asked, one, one).names == ("bm25", "bm25")
    assert "first" in contest(asked, one, one).table()
