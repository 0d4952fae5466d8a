"""The README's pictures: `python -m tests.browser.pictures`, with the user's own home.

With the `report.html` of a study as argument, the picture of that alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.browser.server import ROOT, goto, running_app, running_browser

VIEWS = {
    "alignment": ("/alignment?lang=so&need=craft-q03", "light", 1180, 740),
    "gaps": (
        "/gaps?results=ntrex128&model=embedded&model=optical-lowres&model=optical-gloss",
        "light",
        1180,
        950,
    ),
    "search": (
        "/search?lang=so&need=craft-q03",
        "light",
        1180,
        1000,
    ),
}

BEGIN = {
    "alignment": ("embedded", 70),
    "gaps": ("The gap, language by language", 70),
    "search": ("embedded", 268),
}
"""View -> a heading, and how many pixels below the picture's top it is: controls are left out."""
BEFORE = "/search?lang=so&need=earth-q03"
"""Opened first: a search that opens the models takes longer than those after it."""

DRAWN = "!document.querySelector('[data-testid=stMain] [data-testid=stSkeleton]')"
"""On a busy machine, the parts of a page come late: grey boxes stand in their places."""

FOLDER = ROOT / "assets" / "pictures"


def picture_report(report: Path) -> None:
    """Its first collection: how it is called, and its first figure."""
    with running_browser() as browser:
        page = browser.new_page(viewport={"width": 1180, "height": 600}, color_scheme="light")
        page.goto(report.resolve().as_uri())
        page.wait_for_timeout(2500)
        page.get_by_role("heading", level=2).nth(2).evaluate("e => e.scrollIntoView()")
        page.wait_for_timeout(500)
        page.screenshot(path=FOLDER / "study.png")
        print(FOLDER / "study.png")


def main() -> None:
    with running_app() as site, running_browser() as browser:
        page = browser.new_page()
        goto(page, site + BEFORE, timeout=300_000)
        page.close()
        for name, (path, scheme, width, height) in VIEWS.items():
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            goto(page, site + path, timeout=300_000)
            page.wait_for_function(DRAWN)
            page.wait_for_timeout(2500)
            if name in BEGIN:
                title, top = BEGIN[name]
                heading = page.get_by_role("heading", name=title).first
                heading.evaluate(
                    "(e, top) => { e.style.scrollMarginTop = `${top}px`; e.scrollIntoView(); }", top
                )
                page.wait_for_timeout(500)
            page.screenshot(path=FOLDER / f"{name}.png")
            page.close()
            print(FOLDER / f"{name}.png")


if __name__ == "__main__":
    if sys.argv[1:]:
        picture_report(Path(sys.argv[1]))
    else:
        main()
