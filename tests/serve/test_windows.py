"""A server and the search page tell which window of a long passage has its score."""

import pytest

from optical_core.data.collection import CollectionInfo, Passage, write_collection
from optical_core.models.pair_store import load_pair
from optical_core.retrieval.indexing import collection_index
from optical_core.retrieval.windows import Windows
from optical_core.serve.answering import answer_together
from optical_core.serve.client import _match
from optical_core.serve.holdings import load_holdings
from optical_core.serve.schema import SearchAnswer, search_request
from optical_core.storage import home
from optical_core.ui.library import Library
from optical_core.ui.search.view import ask, explained, tells_windows, window_of, within

LONG = "the moon is a small cold star " * 12 + "the sea is salty water " + "a big new city " * 12
QUERY = "salty sea water"


@pytest.fixture
def articles(tiny_encoder):
    info = CollectionInfo(
        name="articles", licence="CC0", source="x", languages=("en",), parallel=False
    )
    passages = [Passage("a1", "Sea", LONG), Passage("a2", "", "a fish is in the water")]
    folder = home("collections", "articles")
    made = write_collection(folder, info, passages, {"en": {"q1": QUERY}}, {"q1": {"a1": 1}})
    teacher = load_pair(str(tiny_encoder), device="cpu").teacher
    collection_index(made, teacher, windows=Windows(16, 8))
    return made


def test_an_explained_answer_names_the_window(articles, tiny_encoder):
    holdings = load_holdings(["articles"], [str(tiny_encoder)])
    asked = {"collection": "articles", "model": str(tiny_encoder), "query": QUERY}
    plain, told = answer_together(
        holdings, [search_request(**asked), search_request(**asked, explain=True)]
    )
    assert [result.id for result in plain.results] == [result.id for result in told.results]
    assert all(result.window is None for result in plain.results)
    told = SearchAnswer.model_validate_json(told.model_dump_json())
    for result in told.results:
        window = result.window
        assert window.name == f"{result.id}#{window.number}"
        assert all(_match(match, window).window == window for match in result.matches)
        assert all(
            window.start <= match.passage_span[0] <= match.passage_span[1] <= window.end
            for match in result.matches
        )


def test_the_search_page_shows_the_text_of_the_window(articles, tiny_encoder, monkeypatch):
    library, model = Library(), str(tiny_encoder)
    monkeypatch.setattr(Library, "model_names", lambda *_, **__: [model])
    asked = ask(library, "articles", QUERY)
    window = window_of(asked, model, "a1")
    assert window.count > 5
    result = explained(library.explanation(model, "articles", QUERY, "a1"))
    text = articles.by_id["a1"].full_text[window.start : window.end]
    for (start, end), (before, after) in zip(
        within(window, result).spans, result.spans, strict=True
    ):
        assert text[start:end] == articles.by_id["a1"].full_text[before:after] != ""
    assert tells_windows(asked, model)
    assert not tells_windows(asked, "bm25")
