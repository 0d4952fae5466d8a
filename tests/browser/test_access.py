"""Each page has a title, a description and headings in order, and axe finds nothing on it."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from pages.common.router import PAGES as REGISTRY

pytestmark = [pytest.mark.slow, pytest.mark.flaky(reruns=1, only_rerun="TimeoutError")]

RULES = ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]
PAGES = (
    "",
    "alignment",
    "alignment?view=many&many=so&model=embedded",
    "gaps?results=demo&change=loss&hard=hard",
    "search?in=small&need=earth-q03&model=embedded&compare=True",
    "inspector",
    "train",
    "collections",
    "judge",
    "stories",
)


LEVELS = """() => {
  const all = root => [...root.querySelectorAll('*')].flatMap(e => [
    ...(/^H[1-6]$/.test(e.tagName) && e.checkVisibility() ? [Number(e.tagName[1])] : []),
    ...(e.shadowRoot ? all(e.shadowRoot) : []),
  ]);
  return all(document);
}"""
"""Levels of the headings that are seen, those of components included."""


def test_each_page_of_the_navigation_has_a_title_and_a_description_and_headings_in_order(visit):
    """One after another by the navigation's links: what a page sets, the next one replaces."""
    one = visit()
    page = one.open("/")
    described = set()
    for title, _, description in REGISTRY.values():
        page.get_by_role("link", name=title, exact=True).first.click()
        page.wait_for_function("title => document.title.startsWith(title + ' · ')", arg=title)
        one.settle()
        assert page.title() == f"{title} · OPTICAL Workbench"
        assert page.locator("meta[name=description]").count() == 1
        found = page.locator("meta[name=description]").get_attribute("content")
        assert found == description
        described.add(found)
        levels = page.evaluate(LEVELS)
        assert levels[0] == 1
        assert levels.count(1) == 1, title
        assert all(low - high <= 1 for high, low in pairwise(levels)), (title, levels)
    assert len(described) == len(REGISTRY)


def axe_faults(page) -> list[tuple[str, list[str]]]:
    """What axe finds on a page: the rule, and the element that breaks it."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason='this test needs axe: pip install ".[browser]"',
    )
    found = axe.Axe().run(page, options={"runOnly": RULES}).response
    assert found["passes"]
    return [
        (fault["id"], node["target"]) for fault in found["violations"] for node in fault["nodes"]
    ]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(visit, path):
    one = visit()
    page = one.open(f"/{path}")
    assert page.get_by_role("link", name="Language gaps").first.is_visible()
    assert page.locator("[data-testid=stException]").count() == 0
    if path == "alignment":
        page.get_by_text("How transport finds it").click()
        page.locator(".process canvas").first.wait_for(state="attached")
        one.settle()
    for scheme in ("light", "dark"):  # in one tab: a page is opened once
        page.emulate_media(color_scheme=scheme)
        one.settle()
        ground = page.locator("[data-testid=stApp]").evaluate("e => getComputedStyle(e).color")
        assert axe_faults(page) == [], scheme
        assert (max(map(int, re.findall(r"\d+", ground))) > 128) == (scheme == "dark")
