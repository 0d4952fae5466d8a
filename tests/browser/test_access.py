"""axe finds nothing on any page: WCAG A and AA, and its own good practice, in both themes."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.flaky(reruns=1, only_rerun="TimeoutError")]

RULES = ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]
PAGES = ("", "alignment", "gaps", "search", "inspector", "train", "collections", "judge", "stories")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(visit, path, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason='this test needs axe: pip install ".[browser]"',
    )
    one = visit(scheme=scheme)
    page = one.open(f"/{path}")
    if path == "alignment":
        page.get_by_text("How transport finds it").click()
        page.locator(".process canvas").first.wait_for(state="attached")
        one.settle()
    found = axe.Axe().run(page, options={"runOnly": RULES}).response
    assert found["passes"]
    assert [
        (fault["id"], node["target"]) for fault in found["violations"] for node in fault["nodes"]
    ] == []
