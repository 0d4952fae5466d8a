"""Controls whose options change under them, and switches that share a parameter."""

import pytest
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


def test_nothing_may_be_chosen_and_is_kept_in_the_address():
    app = opened()
    app.multiselect(key="lang").set_value([]).run()
    assert (app.multiselect(key="lang").value, app.query_params["lang"]) == ([], "")
    app.run()
    assert app.multiselect(key="lang").value == []
    app = opened(lang="")
    assert (app.multiselect(key="lang").value, app.session_state["_address_refused"]) == ([], [])
    assert opened(lang="klingon").multiselect(key="lang").value == ["ha", "yo", "sw"]


UNDRAWN = """
import streamlit as st
from pages.common import address
address.start()
widget = st.multiselect if st.toggle("Open", key="seen") else address.undrawn
st.text(address.bound(widget, "Languages", ["ha", "yo", "sw"], key="lang", default=["ha"]))
address.commit()
"""


def test_a_control_that_is_not_drawn_keeps_its_value():
    app = AppTest.from_string(UNDRAWN)
    app.query_params["lang"] = ["yo", "klingon"]
    app.run()
    assert (app.text[0].value, app.query_params["lang"]) == ("['yo']", "yo")
    app.toggle(key="seen").set_value(True).run()
    app.multiselect(key="lang").set_value(["sw", "yo"]).run()
    for seen in (False, True):
        app.toggle(key="seen").set_value(seen).run()
        assert app.text[0].value == "['sw', 'yo']"
        assert app.query_params["lang"] == ["sw", "yo"]
    assert app.multiselect(key="lang").value == ["sw", "yo"]


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


@pytest.mark.slow
def test_a_value_that_cannot_be_chosen_is_told_once(open_page, with_embedded):
    app = open_page("alignment", lang="pt", model=["embedded", "[nope](http://x)"], sentence="0")
    language, sentence, models = (info.value for info in app.info)
    assert "Language: the address asks for 'pt', which can't be chosen here" in language
    assert "shown instead: Swahili." in language
    assert "Sentence: the address asks for '0'" in sentence
    assert r"\[nope\]" in models
    app.run()
    assert not app.info


LANGUAGES = """
import streamlit as st
from pages.common import address, parts
address.start()
codes = ["en", "sw", "pt-BR", "zh-Hant"]
parts.language_choice(st.selectbox, "Language", codes, key="lang", default="en")
parts.language_choice(st.multiselect, "Languages", codes, key="many", default=codes)
address.commit()
"""


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("swh", "sw"),
        ("SW", "sw"),
        ("swh_Latn", "sw"),
        ("sw_KE.UTF-8", "sw"),
        ("pt-br", "pt-BR"),
        ("pt", "pt-BR"),
        ("zho_Hant", "zh-Hant"),
        ("zh_TW.UTF-8", "zh-Hant"),
    ],
)
def test_an_address_may_have_a_code_in_any_form(given, code):
    app = AppTest.from_string(LANGUAGES, default_timeout=120)
    app.query_params["lang"] = given
    app.query_params["many"] = [given, "klingon", code]
    app.run()
    assert app.selectbox(key="lang").value == code
    assert app.multiselect(key="many").value == [code]
    assert (app.query_params["lang"], app.query_params["many"]) == (code, code)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["alignment", "search", "collections", "gaps", "inspector"])
def test_every_page_takes_a_code_in_any_form(page, open_page, many_languages):
    many_languages("elsewhere")
    asked = {"lang": "SWH_latn", "other": "swa", "high": "swh", "low": "ENG", "many": "eng"}
    app = open_page(page, model="embedded", **asked)
    shown = {"lang": "sw", "other": "sw", "high": "sw", "low": "en", "many": "en"}
    controls = [c for c in (*app.selectbox, *app.multiselect) if c.key in shown]
    told = {key: app.query_params[key] for key in shown if key in app.query_params}
    assert told
    assert told == {key: shown[key] for key in told}
    for control in controls:
        assert control.value in (shown[control.key], [shown[control.key]]), control.key
