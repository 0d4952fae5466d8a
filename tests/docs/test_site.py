"""The built documentation: complete, nothing private, nothing from other hosts, rendered well."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "assets" / "docs"
LAYERS = ("transport", "data", "analysis", "models", "retrieval", "distill", "study", "serve")
LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
"""Elements that make a browser fetch what their attribute names."""
WRITTEN = set(
    "a article b blockquote body br button code div em footer form h1 h2 h3 h4 h5 h6 head header "
    "hr html img input label li link main meta nav ol p path pre script small source span strong "
    "style svg table tbody td th thead title tr ul".split()
)


class Page(HTMLParser):
    """Elements, ids and fetched addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.ids: set[str] = set()
        self.fetched: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.elements.add(tag)
        self.ids.add(values.get("id") or "")
        if tag in LOADED and values.get(LOADED[tag]):
            self.fetched.add(values[LOADED[tag]])


def pages(site: Path, under: str = "") -> dict[str, Page]:
    found = sorted((site / under).rglob("*.html"))
    return {str(path.relative_to(site)): Page(path.read_text("utf-8")) for path in found}


@pytest.mark.slow
def test_nothing_is_loaded_from_other_hosts(site):
    for name, page in pages(site).items():
        assert not [address for address in page.fetched if "//" in address], name
    elsewhere = re.compile(r"(?:url\(|@import)\s*[\"']?\s*(?:https?:)?//")
    for path in site.rglob("*.css"):
        assert not elsewhere.search(path.read_text("utf-8")), path


@pytest.mark.slow
def test_no_text_is_taken_for_html(site):
    """Markdown swallows what looks like a tag: `<P, C>` and `<language>` need code or other signs.

    And doctests outside an `Examples:` section become quotations.
    """
    for name, page in pages(site).items():
        assert page.elements <= WRITTEN, name
    for name, page in pages(site, "api").items():
        assert "blockquote" not in page.elements, name


@pytest.mark.parametrize("layer", LAYERS)
def test_every_public_module_is_on_its_layers_page(layer):
    page = (DOCS / "pages" / "api" / f"{layer}.md").read_text("utf-8")
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "optical_core" / layer).rglob("*.py")
    }
    assert set(re.findall(r"^::: (\S+)$", page, re.MULTILINE)) == modules


@pytest.mark.slow
def test_the_api_has_no_private_members(site):
    shown = {
        name
        for page in pages(site, "api").values()
        for name in page.ids
        if name.startswith("optical_core.")
    }
    assert {"optical_core.transport.solve.solve", "optical_core.distill.loss.OpticalLoss"} <= shown
    assert not [name for name in shown if re.search(r"\._(?!_init__$)", name)]
