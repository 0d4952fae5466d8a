"""The alignment page: each control has its effect everywhere, and what is too much is said."""

import json
import re

import pytest

from optical_core.ui.alignment.view import PICTURES
from tests.pages.checks import flows, shown


def figures(app) -> list[dict]:
    return [json.loads(element.proto.spec) for element in app.get("plotly_chart")]


def said(app) -> str:
    return " ".join(shown(element) for element in [*app.caption, *app.markdown, *app.warning])


@pytest.mark.slow
def test_the_same_query_in_many_languages_follows_every_control(open_page):
    settings = {
        "a": "maji ya bahari",
        "b": "sea water",
        "lang": "sw",
        "texts": "so: biyaha badda\nam: የባሕር ውሃ",
        "many": ["sw"],
        "model": ["embedded"],
        "unit": "token",
        "show": "heatmap",
        "eps": "0.5",
        "marginals": "mask-augmented",
    }
    costs = []
    for solver in ("sinkhorn", "exact"):
        one = figures(open_page("alignment", solver=solver, **settings))[0]
        app = open_page("alignment", solver=solver, view="many", **settings)
        overview, *panels = figures(app)
        names = [element.value for element in app.subheader]
        assert sorted(names) == ["Amharic", "Somali", "Swahili"]
        assert panels[names.index("Swahili")]["data"] == one["data"]
        assert "&lt;mask&gt;" in panels[0]["layout"]["xaxis"]["labelalias"].values()
        drawn = next(trace["x"] for trace in overview["data"] if trace["mode"] == "markers")
        assert drawn == sorted(drawn)
        assert overview["layout"]["yaxis"]["ticktext"] == names
        assert not any(
            "AP" in element.value for element in app.caption if element.value[:4] == "cost"
        )
        costs.append(drawn)
    assert costs[0] != costs[1]


@pytest.mark.slow
def test_another_language_is_set_against_what_against_says_with_cost_fertility_and_ap(open_page):
    app = open_page(
        "alignment", view="many", lang="sw", other="sw", many=["en"], model=["embedded"]
    )
    assert [element.value for element in app.subheader] == ["English"]
    assert re.search(r"cost [\d.]+ · [\d.]+ tokens a word · AP [\d.]+", said(app))
    assert app.multiselect(key="many").options == ["English"]
    assert len(flows(app)) == 1


@pytest.mark.slow
def test_a_line_without_its_language_is_a_sentence_and_the_rest_is_drawn(open_page):
    app = open_page("alignment", view="many", many=["sw"], model=["embedded"], texts="biyaha")
    assert "line 1 of the texts begins with" in shown(app.error[0])
    assert [element.value for element in app.subheader] == ["Swahili"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", PICTURES)
def test_the_caption_is_that_of_the_picture_and_chips_follow_the_unit(open_page, kind):
    app = open_page("alignment", a="bahari", b="sea", model=["embedded"], show=kind, unit="token")
    assert [text for text in PICTURES.values() if text in said(app)] == [PICTURES[kind]]
    if kind == "chips":
        html = " ".join(element.proto.body for element in app.get("html"))
        assert html.count("<b>") == 2  # ba and hari


@pytest.mark.slow
def test_too_long_a_text_is_cut_and_the_page_says_so(open_page):
    app = open_page("alignment", a="maji " * 1000, b="sea", lang="sw", model=["embedded"])
    assert app.warning[0].value == ("Only the first 2,000 of 5,000 characters are taken.")
    assert "".join(app.query_params["a"]) == "maji " * 400


@pytest.mark.slow
def test_how_transport_finds_the_plan_is_there_when_it_is_opened(open_page):
    app = open_page(
        "alignment", a="maji ya bahari", b="sea water", lang="sw", solver="ipot", model=["embedded"]
    )
    assert len(flows(app)) == 1
    app.session_state["found"] = True
    app.run()
    process = flows(app)[1]
    assert [solver["name"] for solver in process["solvers"]] == ["IPOT", "Unbalanced"]
    assert process["left"]["words"] == ["maji", "ya", "bahari"]
