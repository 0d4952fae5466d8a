"""The app in a real browser: a server of its own on a tiny demo, and Chromium."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.browser.server import ROOT, chromium, goto, running_app, running_browser, settle
from tests.processes import optical

HARMLESS = "/_stcore/"
"""Streamlit looks for its server under the page's own path first; that 404 is not ours."""


@pytest.fixture(scope="session")
def browser():
    pytest.importorskip(
        "playwright.sync_api", reason='browser tests need playwright: pip install ".[browser]"'
    )
    if chromium() is None:
        pytest.skip("browser tests need Chromium: apt install chromium")
    with running_browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def workspace(tmp_path_factory) -> Path:
    """The running app's home: a path typed in the browser may lead into it."""
    return tmp_path_factory.mktemp("browser-home")


@pytest.fixture(scope="session")
def site(workspace, embedded_home, demo_indexes, browser) -> Iterator[str]:
    """Address of the running app, its demo indexed; beside it a small part of the demo."""
    home = workspace
    (home / "models").mkdir()
    for folder in (embedded_home / "models").iterdir():
        (home / "models" / folder.name).symlink_to(folder)
    _small_collection(home / "collections" / "small")
    shutil.copytree(demo_indexes, home / "indexes")
    with running_app(home, OPTICAL_PRECISION="auto") as address:  # as a user's app
        yield address


@pytest.fixture(scope="session")
def demo_indexes(embedded_home, shared) -> Path:
    """The demo indexed by the embedded encoder, once for all processes of this run."""
    folder = shared / "demo-indexes"
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            ended = optical("index", "demo", home=embedded_home, OPTICAL_PRECISION="auto").ended()
            assert ended.code == 0, ended.errors
            (embedded_home / "indexes").rename(folder)
    return folder


def _small_collection(folder: Path) -> None:
    """Forty passages of the demo: enough to search, indexed in seconds."""
    source = ROOT / "assets" / "demo" / "collection"
    shutil.copytree(source, folder)
    lines = (source / "corpus.jsonl").read_text(encoding="utf-8").splitlines()[:40]
    (folder / "corpus.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    info = json.loads((folder / "collection.json").read_text(encoding="utf-8"))
    (folder / "collection.json").write_text(json.dumps(info | {"name": "small"}))


class Visit:
    """A page in a tab of its own, with what went wrong in it."""

    def __init__(self, window, site: str, width: int, height: int, scheme: str) -> None:
        self.site = site
        self.page = window.new_page()
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme=scheme)
        self.errors: list[str] = []
        self.outside: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._request)

    def open(self, path: str = "/", heading: str | None = None):
        goto(self.page, self.site + path, timeout=60_000)
        if heading:
            self.page.get_by_role("heading", name=heading).first.wait_for(timeout=60_000)
        return self.page

    def settle(self) -> None:
        """Wait until the script has run to its end."""
        settle(self.page)

    def choose(self, label: str, option: str) -> None:
        """Pick from a list; again if what moves above it (an expander that opens) closed it."""
        from playwright.sync_api import TimeoutError as Late

        box = self.page.get_by_role("combobox", name=label)
        for last in (False, False, True):
            box.click()
            try:
                self.page.get_by_role("option", name=option).first.click(timeout=3_000)
                break
            except Late:
                if last:
                    raise
        self.settle()

    def _console(self, message) -> None:
        if message.type == "error" and HARMLESS not in (message.location or {}).get("url", ""):
            self.errors.append(message.text)

    def _request(self, request) -> None:
        if not request.url.startswith(
            (self.site, self.site.replace("http", "ws"), "data:", "blob:")
        ):
            self.outside.append(request.url)


@pytest.fixture(scope="session")
def window(browser):
    """One for all tabs, as a user has: what a visit loads of Streamlit, the next has already."""
    return browser.new_context()


@pytest.fixture
def visit(window, site):
    made: list[Visit] = []

    def new(width: int = 1440, height: int = 1400, scheme: str = "light") -> Visit:
        made.append(Visit(window, site, width, height, scheme))
        return made[-1]

    yield new
    for one in made:
        assert one.errors == []
        assert one.outside == []
        one.page.close()
