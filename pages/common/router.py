"""One router for the app and for every page that is opened by its own address."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

import streamlit as st

from optical_core.escaping import markdown_text
from optical_core.process import prepare
from pages.common import address
from pages.common.fence import fence
from pages.common.flow import follow_theme

PAGES = {
    "start": (
        "Start",
        ":material/home:",
        "One question in four languages, and what distillation by optimal transport does to it.",
    ),
    "alignment": (
        "Alignment",
        ":material/compare_arrows:",
        "How the words of a query are matched to its translation: transport plans by any solver.",
    ),
    "gaps": (
        "Language gaps",
        ":material/bar_chart:",
        "Which languages are served worse, by how much, and whether distillation narrows the gap.",
    ),
    "search": (
        "Live search",
        ":material/search:",
        "Ask in any language: the rankings of up to four models, and why each passage is found.",
    ),
    "inspector": (
        "Query inspector",
        ":material/grid_on:",
        "The queries that gain or lose most, with both models' rankings and relevant passages.",
    ),
    "train": (
        "Train",
        ":material/model_training:",
        "Distil a student into new languages or teach a teacher, watch it, and compare trainings.",
    ),
    "collections": (
        "Collections",
        ":material/library_books:",
        "Passages, queries and judgements: what is installed, and how to bring your own.",
    ),
    "judge": (
        "Judge",
        ":material/gavel:",
        "Grade by keyboard what several models find in a collection of your own.",
    ),
    "stories": (
        "Stories",
        ":material/slideshow:",
        "Saved views with notes, played full screen and kept as one file that works offline.",
    ),
}
"""Name (a module of pages/, and the path of the address) -> title, icon, and what it is for."""

STYLE = """
[data-testid=stMainBlockContainer] {padding-top: 3.5rem}
[data-testid=stHeading] h2 {font-size: 1.5rem; padding: .5rem 0; overflow-wrap: anywhere}
[data-testid=stHeading] h3 {font-size: 1.2rem; padding: .4rem 0 0}
input, textarea, [data-baseweb=select] {unicode-bidi: plaintext}
[data-testid=stCaptionContainer] {opacity: .78}
[data-testid=stButtonGroup] button:is([aria-checked=true], [aria-pressed=true]) {
  color: inherit !important}
@media (hover: none) {
  .modebar {display: none}
  [data-testid=stElementContainer]:has([data-testid=stDataFrame]) {margin-top: 1.6rem}}
:is([class*=st-key-choices-], .st-key-theme):not(:focus-within) {position: absolute; width: 0}
"""
"""Less space above titles, smaller section titles, texts in their own direction, readable captions
and chosen options, no room for what isn't seen; on touch screens, no buttons over other things."""


def pages() -> dict[str, Any]:
    """Make Streamlit's pages, and keep them for the links between them."""
    made = {
        name: st.Page(
            _render(name),
            title=title,
            icon=icon,
            url_path="home" if name == "start" else name,
            default=name == "start",
        )
        for name, (title, icon, _) in PAGES.items()
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
    # Streamlit serves the default page at / alone, and stories name it /start.
    start = st.Page(
        _render("start"), title=PAGES["start"][0], url_path="start", visibility="hidden"
    )
    page = st.navigation([*pages().values(), start], position="top")
    st.set_page_config(f"{page.title} · OPTICAL Workbench")
    st.html(f"<style>{STYLE}</style>")
    _describe(PAGES[page.url_path or "start"][2])
    draw(page.run)
    follow_theme()
    _keep_loaded(page.url_path)


def _describe(text: str) -> None:
    """Set the document's description. Streamlit only sets its title."""
    # In a block of its own: all pages' scripts share their names.
    st.html(
        f"""<script>{{
        const known = document.querySelector("meta[name=description]");
        const meta = known ?? document.head.appendChild(document.createElement("meta"));
        meta.name = "description";
        meta.content = {json.dumps(text)};
        }}</script>""",
        unsafe_allow_javascript=True,
    )


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
