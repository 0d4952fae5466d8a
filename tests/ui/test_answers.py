"""How one query is answered by a model: precision, and the ranks of relevant passages."""

import pytest

from optical_core.errors import InputError
from optical_core.ui.inspector.answers import Answer, answer, rank_table
from optical_core.ui.library import Library
from optical_core.ui.search.ranking import Ranking
from optical_core.ui.texts import bringing


@pytest.fixture
def library(collection, home):
    import shutil

    shutil.copytree(collection.folder, home / "collections" / "tiny")
    return Library()


def of(*ranks: int | None) -> Answer:
    return Answer(Ranking((), 0.0, {}), 0.5, {f"p{n}": rank for n, rank in enumerate(ranks)})


def test_an_answer_has_the_ranks_of_the_relevant_passages(library, collection):
    name, query = library.collection_names()[-1], "q1"
    grades = library.judged(name, "en", query)
    text = library.queries(name, "en")[query]
    found = answer(library, "bm25", name, query, text, {**grades, "nowhere": 1, "p6": 0})
    assert found.ranks["nowhere"] is None
    assert "p6" not in found.ranks
    relevant = next(p for p, grade in grades.items() if grade > 0)
    assert found.ranking.ranks[relevant] == found.ranks[relevant] == 1
    assert found.precision == 0.5
    with pytest.raises(InputError):
        answer(library, "no-model", name, query, text, grades)


def test_ranks_are_told_in_words():
    assert of(1, 4).told == "relevant at rank 1, 4"
    assert of(2, None).told == "relevant at rank 2; 1 not among the first 1,000"
    assert of(None).told == "no relevant passage found"
    assert of(*range(1, 20)).told.endswith("12, …")


def test_the_table_of_ranks_has_a_column_a_model():
    table = rank_table({"a": of(1, None), "b": of(2, 3)}, {"p0": "Sea"})
    assert list(table["passage"]) == ["Sea", "p1"]
    assert list(table["b"]) == [2, 3]
    assert table["a"].isna().tolist() == [False, True]


def test_commands_that_bring_a_published_collection():
    assert bringing("ntrex128")[0].startswith("optical data import ntrex128 ")
    assert bringing("mine") == ()
