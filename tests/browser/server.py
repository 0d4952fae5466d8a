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


def chromium() -> str | None:
    """Path of an installed Chromium or Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@contextlib.contextmanager
def running_app(home: Path | None = None) -> Iterator[str]:
    """The app on a free port; `home` is its $OPTICAL_HOME (the user's own by default)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = dict(os.environ)
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


def goto(page: Any, address: str, *, timeout: float = 120_000) -> None:
    """Open an address and wait until its page is drawn."""
    page.goto(address)
    page.locator("h1").first.wait_for(timeout=timeout)
    settle(page, timeout=max(timeout, 120_000))


def settle(page: Any, timeout: float = 120_000) -> None:
    """Wait until the page's script has run to its end, and no other run follows at once."""
    for pause in (400, 200):
        page.wait_for_timeout(pause)
        page.wait_for_function(
            "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState"
            " === 'notRunning'",
            timeout=timeout,
        )
