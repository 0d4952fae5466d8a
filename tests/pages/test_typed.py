"""Fields for text: a longer text is cut, and a sentence says so."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

PAGES = Path(__file__).parent.parent.parent / "pages"
SCRIPT = """
import streamlit as st
from pages.common import address
from pages.common.typed import taken, text_input

address.start()
st.text(text_input(st, "Query", key="q", longest=1000))
st.text(taken(st, st.text_input("Name"), 60))
address.commit()
"""


def opened(**query: str) -> AppTest:
    app = AppTest.from_string(SCRIPT)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def test_a_long_text_is_cut_in_the_page_and_the_address_and_the_field_keeps_it():
    app = opened(q="majix" * 300)
    assert app.text[0].value == "majix" * 200
    assert "".join(app.query_params["q"]) == "majix" * 200
    assert app.text_input[0].value == "majix" * 300
    assert [w.value for w in app.warning] == ["Only the first 1,000 of 1,500 characters are taken."]
    app.run()
    assert app.text_input[0].value == "majix" * 300
    app.text_input[0].set_value("bahari").run()
    assert "".join(app.query_params["q"]) == "bahari"
    app.text_input[0].set_value("").run()
    assert "q" not in app.query_params
    assert not app.warning


def test_a_field_beside_the_address_says_so_too():
    app = opened()
    app.text_input[1].set_value("x" * 61).run()
    assert app.text[1].value == "x" * 60
    assert app.warning[0].value == "Only the first 60 of 61 characters are taken."
    app.text_input[1].set_value("x" * 60).run()
    assert not app.warning


def test_no_page_has_a_field_that_drops_a_long_text_without_a_word():
    assert [p.name for p in PAGES.rglob("*.py") if "max_chars=" in p.read_text("utf-8")] == []
