"""The start page's query: four languages, two models, the rank of the best relevant passage."""

import shutil

import pytest

from optical_core.ui.inspector.answers import Answer
from optical_core.ui.library import Library
from optical_core.ui.search.ranking import Ranking
from optical_core.ui.start import view
from optical_core.ui.start.view import Shown, shown_queries


@pytest.fixture
def library(collection, home, monkeypatch):
    shutil.copytree(collection.folder, home / "collections" / "tiny")
    monkeypatch.setattr(view, "COLLECTION", "tiny")
    monkeypatch.setattr(view, "first_encoders", lambda library: ["bm25"])
    return Library()


def test_the_query_is_shown_in_every_language_of_the_page_that_the_collection_has(library):
    shown = shown_queries(library, "q2")
    assert [one.code for one in shown] == ["en", "sw"]
    assert shown[1].text == "samaki wapi"
    assert shown[0].rank("bm25") == "1"
    assert shown[1].rank("bm25") == "not found"


def test_without_the_query_another_one_is_shown(library):
    assert shown_queries(library, "elsewhere")[0].text == "why is the sea salty ?"


def test_the_rank_is_that_of_the_best_relevant_passage():
    ranks = {"b": 1234, "a": None}
    one = Shown("so", "?", {"m": Answer(Ranking((), 0.0, {}), 0.5, ranks)})
    assert one.rank("m") == "1,234"
