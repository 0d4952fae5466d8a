"""axe finds nothing on any page: WCAG A and AA, and its own good practice, in both themes."""

from __future__ import annotations

import re

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.flaky(reruns=1, only_rerun="TimeoutError")]

RULES = ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]
PAGES = (
    "",
    "alignment",
    "alignment?view=many&many=so&model=embedded",
    "gaps",
    "search?in=small&need=earth-q03&model=embedded&compare=True",
    "inspector",
    "train",
    "collections",
    "judge",
    "stories",
)


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(visit, path):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason='this test needs axe: pip install ".[browser]"',
    )
    one = visit()
    page = one.open(f"/{path}")
    if path == "alignment":
        page.get_by_text("How transport finds it").click()
        page.locator(".process canvas").first.wait_for(state="attached")
        one.settle()
    for scheme in ("light", "dark"):  # in one tab: a page is opened once
        page.emulate_media(color_scheme=scheme)
        one.settle()
        ground = page.locator("[data-testid=stApp]").evaluate("e => getComputedStyle(e).color")
        found = axe.Axe().run(page, options={"runOnly": RULES}).response
        assert found["passes"]
        faults = [
            (fault["id"], node["target"])
            for fault in found["violations"]
            for node in fault["nodes"]
        ]
        assert faults == [], scheme
        assert (max(map(int, re.findall(r"\d+", ground))) > 128) == (scheme == "dark")
