"""From the gap to its cause: a language, its queries, one of them, its alignment, and back."""

from __future__ import annotations

import re
from pathlib import Path

import plotly
import pytest

from optical_core.analysis.measurements import Comparison
from optical_core.analysis.tables import Tables
from optical_core.figures.gaps import gap_picture
from optical_core.ui.gaps.queries import query_points, with_texts
from optical_core.ui.gaps.scatter import query_scatter
from tests.browser.server import drawn
from tests.browser.test_browser import pytestmark  # noqa: F401
from tests.measured import two_models

GAPS = "/gaps?results=demo&model=embedded&model=optical-lowres"


def bars(page):
    """The rows of the gap picture, which take clicks."""
    return page.locator(".st-key-gap-picture .barlayer path")


def rows(page) -> int:
    """How many queries the table lists."""
    heading = page.get_by_role("heading", name=re.compile(r"^[\d,]+ quer")).inner_text()
    return int(heading.split()[0].replace(",", ""))


@pytest.fixture
def gaps(visit):
    one = visit()
    one.open(GAPS, "Language gaps")
    bars(one.page).first.wait_for(state="attached")
    drawn(one.page)
    return one


def click_row(one, name: str) -> None:
    """Click a language's row of the gap picture, away from its markers."""
    page = one.page
    y = page.evaluate(
        """name => { const all = document.querySelectorAll('.st-key-gap-picture .ytick text');
        const box = [...all].find(t => t.textContent === name).getBoundingClientRect();
        return box.y + box.height / 2; }""",
        name,
    )
    area = page.locator(".st-key-gap-picture .nsewdrag").first.bounding_box()
    page.mouse.click(area["x"] + 6, y)
    one.settle()


def test_a_language_leads_to_its_queries_and_one_of_them_to_both_rankings_and_back(gaps):
    page = gaps.page
    click_row(gaps, "Somali")
    page.wait_for_url("**at=so**")
    assert rows(page) == 130
    grid = page.locator("[data-testid=stDataFrame]").first
    grid.locator("canvas").first.wait_for()
    grid.scroll_into_view_if_needed()
    grid.click(trial=True)  # it stands still
    box = grid.bounding_box()
    page.mouse.click(box["x"] + 300, box["y"] + 55)
    page.wait_for_url("**/inspector**")
    gaps.settle()
    assert "at=so" in page.url
    page.get_by_text("relevant at rank").nth(1).wait_for(timeout=60_000)
    assert page.get_by_text("Ranks of the relevant passages").is_visible()
    page.get_by_role("link", name="Align the Somali").click()
    page.wait_for_url("**/alignment**lang=so**")
    page.get_by_text("Cost ⟨P, C⟩").first.wait_for(timeout=60_000)
    page.go_back()
    page.wait_for_url("**/inspector**query=**")
    page.get_by_text("relevant at rank").first.wait_for()
    page.go_back()
    page.wait_for_url("**/gaps**at=so**")
    gaps.settle()
    assert page.get_by_role("heading", name="Query by query").is_visible()


def test_filters_and_a_box_in_the_scatter_choose_the_queries(gaps):
    page = gaps.page
    every = rows(page)
    page.get_by_role("button", name="loss").click()
    page.wait_for_url("**change=loss**")
    gaps.settle()
    losses = rows(page)
    assert 0 < losses < every
    page.get_by_role("button", name="hard").click()
    page.wait_for_url("**hard=hard**")
    gaps.settle()
    assert 0 < rows(page) < losses
    area = page.locator(".st-key-gap-scatter .nsewdrag").first.bounding_box()
    page.mouse.move(area["x"] + 4, area["y"] + area["height"] - 4)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2, steps=8)
    page.mouse.up()
    page.get_by_role("heading", name="that you selected").wait_for()


def test_the_waterfall_is_the_second_form_and_a_link_keeps_it(gaps):
    page = gaps.page
    page.get_by_role("radio", name="what makes the gap").click(force=True)
    page.wait_for_url("**form=waterfall**")
    gaps.settle()
    labels = page.locator(".st-key-waterfall .ytick text").all_text_contents()
    assert any(label.startswith("gap, embedded") for label in labels)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_no_label_of_the_picture_is_cut_off(visit, width, scheme):
    page = visit(width, 1400, scheme).open(GAPS, "Language gaps")
    bars(page).first.wait_for(state="attached")
    cut = page.locator(".st-key-gap-picture .main-svg").first.evaluate(
        """svg => { const edge = svg.getBoundingClientRect();
        return [...svg.querySelectorAll('text')].filter(t => { const b = t.getBoundingClientRect();
        return b.width && (b.left < edge.left - 1 || b.right > edge.right + 1); })
        .map(t => t.textContent); }"""
    )
    assert cut == []


def test_a_language_and_a_query_are_opened_by_keyboard_alone(gaps):
    page = gaps.page
    page.get_by_role("combobox", name="Model of the queries").focus()
    named = "document.activeElement.shadowRoot?.activeElement?.getAttribute('aria-label')"
    for _ in range(12):  # the picture's own keys lie between
        page.keyboard.press("Tab")
        if page.evaluate(named) == "Languages of the picture":
            break
    box = page.get_by_role("listbox", name="Languages of the picture")
    assert box.is_visible()
    row = box.get_by_role("option", selected=True)
    while not row.inner_text().startswith("Somali. embedded: "):
        before = row.inner_text()
        page.keyboard.press("ArrowUp")
        assert row.inner_text() != before
    page.keyboard.press("Enter")
    page.wait_for_url("**at=so**")
    gaps.settle()
    assert page.evaluate(named) == "Languages of the picture"
    assert rows(page) == 130
    box = page.get_by_role("listbox", name="Queries of the table")
    box.focus()
    page.keyboard.press("ArrowDown")
    asked = box.get_by_role("option", selected=True).inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url("**/inspector**")
    gaps.settle()
    assert asked.split(" · ")[0].removeprefix("Somali, ") in page.url
    page.get_by_text("relevant at rank").nth(1).wait_for(timeout=60_000)


def test_a_picture_that_is_given_twice_is_drawn_once(browser):
    results = two_models()
    comparison = Comparison.of(results, baseline="embedded")
    made, model = Tables(results, comparison), comparison.models[-1]
    points = with_texts(query_points(results, comparison, model), {})
    figures = (
        gap_picture(made.measures, made.comparisons, made.groups, comparison, dark=True),
        query_scatter(points, "embedded", model, "AP", dark=True),
    )
    page = browser.new_page()
    page.add_script_tag(path=Path(plotly.__file__).with_name("package_data") / "plotly.min.js")
    for figure in figures:
        drawings = """async text => {
          const first = JSON.parse(text), second = JSON.parse(text), place = document.body;
          await Plotly.newPlot(place, first.data, first.layout);
          let drawings = 0;
          place.on("plotly_beforeplot", () => { drawings += 1; return true; });
          await Plotly.react(place, second.data, second.layout);
          const same = drawings, third = JSON.parse(text);
          third.layout.datarevision = "another";
          await Plotly.react(place, third.data, third.layout);
          return [same, drawings];
        }"""
        assert page.evaluate(drawings, figure.to_json()) == [0, 1]
    page.close()
