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
def test_the_same_query_in_several_languages_follows_every_control(open_page):
    settings = {
        "a": "maji ya bahari",
        "b": "sea water",
        "lang": "sw",
        "many": ["sw"],
        "model": ["embedded"],
        "unit": "token",
        "show": "heatmap",
        "eps": "0.5",
        "marginals": "mask-augmented",
    }
    costs = []
    for solver in ("sinkhorn", "exact"):
        app = open_page("alignment", solver=solver, **settings)
        main, panel = figures(app)
        assert panel["data"] == main["data"]
        assert "&lt;mask&gt;" in panel["layout"]["xaxis"]["labelalias"].values()
        cost = re.search(r"Cost ⟨P, C⟩ ([\d.]+)", said(app)).group(1)
        assert f"**Swahili**: cost {float(cost):.3f}" in said(app)
        costs.append(cost)
    assert costs[0] != costs[1]


@pytest.mark.slow
def test_another_language_is_set_against_what_against_says(open_page):
    app = open_page("alignment", lang="sw", other="sw", many=["en"], model=["embedded"])
    assert "**English**: cost" in said(app)
    assert app.multiselect(key="many").options == ["English"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", PICTURES)
def test_the_caption_is_that_of_the_picture_and_chips_follow_the_unit(open_page, kind):
    app = open_page("alignment", a="bahari", b="sea", model=["embedded"], show=kind, unit="token")
    assert [text for text in PICTURES.values() if text in said(app)] == [PICTURES[kind]]
    if kind == "chips":
        html = " ".join(element.proto.body for element in app.get("html"))
        assert html.count("<b>") == 2 + 1  # ba and hari, and the text of the several languages


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
