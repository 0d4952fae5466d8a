"""The pages run and show what they should."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def app(with_embedded, collection, monkeypatch):
    """The app on the tiny collection, with BM25 so that nothing needs encoding."""
    from optical_core.ui import loaders

    monkeypatch.setattr(loaders, "installed_collections", lambda: [collection])
    monkeypatch.setattr(loaders, "open_collection", lambda name: collection)
    loaders.load_searcher.cache_clear()
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)


def test_without_a_query_the_page_says_what_to_do(app):
    app.run()
    assert not app.exception
    assert "Type a query" in app.info[0].value


def test_a_query_shows_passages_best_first(app):
    app.run()
    app.selectbox[1].select("bm25")
    app.text_input[0].input("salty sea")
    app.run()
    assert not app.exception
    shown = [element.value for element in app.text]
    assert shown[:2] == ["1. Sea", "the sea is salty water"]


def test_markup_in_a_query_or_a_passage_is_shown_as_it_is(app):
    app.run()
    app.selectbox[1].select("bm25")
    app.text_input[0].input("<script>alert(1)</script>")
    app.run()
    assert not app.exception
    assert "No passage found" in app.warning[0].value
