"""The README's pictures: `python -m tests.browser.pictures`, with the user's own home."""

from __future__ import annotations

from tests.browser.server import ROOT, goto, running_app, running_browser

VIEWS = {
    "alignment": ("/alignment?lang=so&need=earth-q03", "light", 1180, 880),
    "gaps": ("/gaps?results=ntrex128&model=embedded&model=optical-lowres", "light", 1180, 1090),
    "search": (
        "/search?lang=so&need=craft-q03",
        "light", 1180, 900,
    ),
    "inspector": ("/inspector?results=demo", "dark", 1180, 820),
}  # fmt: skip


def main() -> None:
    folder = ROOT / "assets" / "pictures"
    with running_app() as site, running_browser() as browser:
        for name, (path, scheme, width, height) in VIEWS.items():
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            goto(page, site + path, timeout=300_000)
            page.wait_for_timeout(2500)
            page.screenshot(path=folder / f"{name}.png")
            page.close()
            print(folder / f"{name}.png")


if __name__ == "__main__":
    main()
