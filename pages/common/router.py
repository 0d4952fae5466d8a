"""One router for the app and for every page that is opened by its own address."""

from __future__ import annotations

import gc
from collections.abc import Callable
from importlib import import_module
from typing import Any

import streamlit as st

from optical_core.escaping import markdown_text
from optical_core.process import prepare
from pages.common import address
from pages.common.fence import fence

PAGES = {
    "start": ("Start", ":material/home:"),
    "alignment": ("Alignment", ":material/compare_arrows:"),
    "gaps": ("Language gaps", ":material/bar_chart:"),
    "search": ("Live search", ":material/search:"),
    "inspector": ("Query inspector", ":material/grid_on:"),
    "train": ("Train", ":material/model_training:"),
    "collections": ("Collections", ":material/library_books:"),
    "judge": ("Judge", ":material/gavel:"),
    "stories": ("Stories", ":material/slideshow:"),
}
"""Name (a module of pages/, and the path of the address) -> title and icon."""

STYLE = """
[data-testid=stMainBlockContainer] {padding-top: 3.5rem}
[data-testid=stHeading] h2 {font-size: 1.5rem; padding: .5rem 0; overflow-wrap: anywhere}
[data-testid=stHeading] h3 {font-size: 1.2rem; padding: .4rem 0 0}
input, textarea, [data-baseweb=select] {unicode-bidi: plaintext}
[data-testid=stCaptionContainer] {opacity: .78}
[data-testid=stButtonGroup] button[aria-checked=true] {color: inherit !important}
"""
"""Less space above titles, smaller section titles, texts in their own direction, readable captions
and chosen options."""


def pages() -> dict[str, Any]:
    """Make Streamlit's pages, and keep them for the links between them."""
    made = {
        name: st.Page(_render(name), title=title, icon=icon, url_path=name, default=name == "start")
        for name, (title, icon) in PAGES.items()
    }
    st.session_state["_pages"] = made
    return made


def _render(name: str) -> Callable[[], None]:
    """A page's `render`. The module is imported on the first visit, which may take seconds."""

    def render() -> None:
        import_module(f"pages.{name}").render()

    return render


@st.cache_resource(show_spinner=False)
def _keep_loaded(page: str) -> None:
    """Exempt what a page's first visit has loaded from garbage collection, once per page.

    Streamlit collects after every run of a script. With torch loaded, that takes 0.3 s each time.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def run() -> None:
    """Set the frame and run the page that the address names."""
    prepare()
    # Set the icon first: Streamlit would fetch a page's own icon from Google.
    st.set_page_config(page_icon="🔎", layout="wide")
    page = st.navigation(list(pages().values()), position="top")
    st.set_page_config(f"{page.title} · OPTICAL Workbench")
    st.html(f"<style>{STYLE}</style>")
    draw(page.run)
    _keep_loaded(page.url_path)


def draw(page: Callable[[], None]) -> None:
    """Draw a page with the state of the address, and what all pages have above and below."""
    address.start()
    top = st.container()
    with fence():
        page()
    for sentence in address.refused():
        top.info(markdown_text(sentence))
    # Not in a `finally`: a script that stops for a rerun has not drawn all its controls.
    address.commit()
