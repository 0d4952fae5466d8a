"""Controls whose options change under them, and switches that share a parameter."""

from streamlit.testing.v1 import AppTest

CHOICES = """
import streamlit as st
from pages.common import address
offered = {"one": ["ha", "yo", "sw"], "two": ["en", "es", "ha", "yo"]}
address.start()
name = address.bound(st.selectbox, "Collection", list(offered), key="in", default="one")
codes = offered[name]
address.bound(st.multiselect, "Languages", codes, key="lang", default=codes)
address.bound(st.selectbox, "Language", codes, key="one", default=codes[0])
address.commit()
"""


def opened(**query) -> AppTest:
    app = AppTest.from_string(CHOICES)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def test_what_was_the_default_follows_the_options():
    app = opened()
    app.selectbox(key="in").set_value("two").run()
    assert app.multiselect(key="lang").value == ["en", "es", "ha", "yo"]
    assert app.selectbox(key="one").value == "en"
    assert "lang" not in app.query_params


def test_a_choice_that_does_not_fit_is_reset():
    app = opened(lang=["sw", "yo"], one="sw")
    assert app.multiselect(key="lang").value == ["sw", "yo"]
    app.selectbox(key="in").set_value("two").run()
    assert app.multiselect(key="lang").value == ["en", "es", "ha", "yo"]
    assert app.selectbox(key="one").value == "en"


def test_a_choice_that_fits_is_kept():
    app = opened(lang=["ha", "yo"], one="yo")
    app.selectbox(key="in").set_value("two").run()
    assert app.multiselect(key="lang").value == ["ha", "yo"]
    assert app.selectbox(key="one").value == "yo"
    assert app.query_params["lang"] == ["ha", "yo"]


def test_switches_share_a_parameter():
    app = AppTest.from_string(
        "import streamlit as st\nfrom pages.common import address\naddress.start()\n"
        "for name in 'abc':\n"
        "    address.switch(st.toggle, f'Open {name}', key='open', value=name)\n"
        "address.commit()\n"
    )
    app.query_params["open"] = ["b"]
    app.run()
    assert [toggle.value for toggle in app.toggle] == [False, True, False]
    app.toggle[2].set_value(True).run()
    assert app.query_params["open"] == ["b", "c"]
    app.toggle[1].set_value(False).run()
    app.query_params["open"] = ["a"]
    app.run()
    assert [toggle.value for toggle in app.toggle] == [True, False, False]
