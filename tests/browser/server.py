"""Run the app and Chromium for a command: pictures and benchmarks."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
TYPED = 250
"""Milliseconds after which Streamlit's fields have told the server what was done to them."""

QUIET = 200
"""Milliseconds without a run or a question after which a page is settled."""

LATE = 2_000
"""Milliseconds in which even a busy server begins the run that it was asked for."""


def chromium() -> str | None:
    """Path of an installed Chromium or Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@contextlib.contextmanager
def running_app(home: Path | None = None, **settings: str) -> Iterator[str]:
    """The app on a free port; `home` is its $OPTICAL_HOME (the user's own by default).

    `settings` are other variables of its environment.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | settings
    if home is not None:
        environment["OPTICAL_HOME"] = str(home)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            "app.py",
            "--server.port",
            str(port),
            "--server.headless",
            "true",
            "--server.fileWatcherType",
            "none",
        ],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=2)
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def running_browser() -> Iterator[Any]:
    """Playwright's handle of an installed Chromium."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    if path is None:
        sys.exit("Chromium is needed: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


WATCH = """() => {
  if (window.scriptRuns) return;
  const runs = window.scriptRuns = {asked: 0, changed: 0};
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (...sent) {
    runs.asked = performance.now();
    return send.apply(this, sent);
  };
  new MutationObserver(() => { runs.changed = performance.now(); }).observe(
    document, {subtree: true, attributes: true, attributeFilter: ['data-test-script-state']});
}"""
"""Notes when the page last asked its server for anything, and when its script began or ended."""

SETTLED = """([quiet, late]) => {
  const app = document.querySelector('[data-testid=stApp]');
  if (app?.dataset.testScriptState !== 'notRunning') return false;
  const {asked, changed} = window.scriptRuns;
  const now = performance.now();
  // Asked, and no run has followed yet: a busy server may be late.
  return now - Math.max(asked, changed) > quiet
    && (changed > asked || now - asked > late);
}"""


def goto(page: Any, address: str, *, timeout: float = 120_000) -> None:
    """Open an address and wait until its page is drawn."""
    page.add_init_script(f"({WATCH})()")
    page.goto(address)
    page.locator("h1").first.wait_for(timeout=timeout)
    settle(page, timeout=max(timeout, 120_000))


def drawn(page: Any) -> None:
    """Wait until every picture takes clicks, and has had two frames to stand still."""
    page.wait_for_function(
        "[...document.querySelectorAll('.js-plotly-plot')].every(e => e._ev?._events?.plotly_click)"
    )
    page.evaluate("() => new Promise(e => requestAnimationFrame(() => requestAnimationFrame(e)))")


def settle(page: Any, timeout: float = 120_000) -> None:
    """Wait until the page's script has run to its end, and no other run follows at once."""
    page.wait_for_timeout(TYPED)
    page.evaluate(WATCH)
    page.wait_for_function(SETTLED, arg=[QUIET, LATE], timeout=timeout)
