"""How fast a warm app answers: `python -m tests.benchmarks.app_latency`.

Seconds from a click to the end of the script's run in a real browser, over twenty clicks a page.
Uses the user's own home, so that the encoder is converted and the demo indexed.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any

import numpy as np
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.server import goto, running_app, running_browser, settle

CLICKS = 20
_WATCH = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  document.addEventListener('click', () => { window.clicked = performance.now(); }, true);
  new MutationObserver(() => {
    if (app.dataset.testScriptState !== 'running')
      window.seconds.push((performance.now() - window.clicked) / 1000);
  }).observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
}"""
"""Timed inside the page: from the click to the end of the script's run."""


def measure(page: Any, names: tuple[str, str], opener: str | None) -> list[float]:
    """Choose two values in turn, seconds of each rerun; `opener` labels a list to open first."""
    page.evaluate("window.seconds = []")
    for click in range(CLICKS):
        name = names[click % 2]
        if opener:
            page.get_by_role("combobox", name=opener).click()
            choice = page.get_by_role("option", name=name, exact=True)
        else:
            choice = page.get_by_role("radio", name=name, exact=True)
        choice.wait_for()
        before = page.evaluate("window.seconds.length")
        choice.click(force=True)
        # A run that begins and ends within one frame shows no change of state: it isn't counted.
        with contextlib.suppress(PlaywrightTimeout):
            page.wait_for_function(
                "n => window.seconds.length > n", arg=before, polling=20, timeout=3000
            )
        page.wait_for_timeout(300)
    seconds = page.evaluate("window.seconds")
    assert len(seconds) > CLICKS / 2, "too few runs were seen to end"
    return seconds


def report(label: str, seconds: list[float]) -> None:
    p95 = np.quantile(seconds, 0.95)
    print(f"{label}: median {np.median(seconds):.3f} s, p95 {p95:.3f} s", flush=True)


def main() -> None:
    with running_app() as site, running_browser() as browser:
        for label, path, names, opener in (
            ("alignment, two encoders", "/alignment?lang=so", ("token", "word"), None),
            ("gaps", "/gaps?results=ntrex128", ("nDCG@10", "MRR"), "Measure and depth"),
            ("inspector", "/inspector?results=ntrex128", ("level", "difference"), None),
        ):
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            goto(page, site + path)
            page.evaluate(_WATCH)
            measure(page, names, opener)  # the first round fills the caches
            report(label, measure(page, names, opener))
            page.close()
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        goto(page, f"{site}/search?model=embedded&model=optical-lowres&model=bm25")
        times: dict[int, list[float]] = {}
        for number in range(CLICKS):
            box = page.get_by_role("textbox", name="Your query, in any language")
            box.fill(f"Maxay badda u tahay dhanaan {number}")
            box.press("Enter")
            page.wait_for_timeout(300)
            settle(page)
            lines = page.get_by_text(re.compile(r"· \d+ ms")).all_inner_texts()
            for column, text in enumerate(lines):
                times.setdefault(column, []).append(float(re.search(r"(\d+) ms", text)[1]) / 1000)
        for column, name in enumerate(("embedded", "optical-lowres", "bm25")):
            report(f"search, {name}", times[column])


if __name__ == "__main__":
    main()
