"""One router for the app and for every page that is opened by its own address."""

from __future__ import annotations

import streamlit as st

from optical_core.errors import InputError
from pages import alignment, collections, gaps, inspector, search, start, train
from pages.common import address, parts

PAGES = {
    "start": (start.render, "Start", ":material/home:"),
    "alignment": (alignment.render, "Alignment", ":material/compare_arrows:"),
    "gaps": (gaps.render, "Language gaps", ":material/bar_chart:"),
    "search": (search.render, "Live search", ":material/search:"),
    "inspector": (inspector.render, "Query inspector", ":material/grid_on:"),
    "train": (train.render, "Train", ":material/model_training:"),
    "collections": (collections.render, "Collections", ":material/library_books:"),
}

STYLE = """
[data-testid=stMainBlockContainer] {padding-top: 3.5rem}
input, textarea, [data-baseweb=select] {unicode-bidi: plaintext}
"""
"""Less room above titles than the library leaves, and texts set in their own direction."""


def run() -> None:
    """Set the frame and run the page that the address names."""
    st.set_page_config(page_title="OPTICAL Workbench", page_icon="🔎", layout="wide")
    st.html(f"<style>{STYLE}</style>")
    pages = {
        name: st.Page(render, title=title, icon=icon, url_path=name, default=name == "start")
        for name, (render, title, icon) in PAGES.items()
    }
    st.session_state["_pages"] = pages
    page = st.navigation(list(pages.values()), position="top")
    address.start()
    try:
        page.run()
    except InputError as error:
        st.error(str(error))
    parts.picture_form()
    # Not in a `finally`: a script that asks for its rerun has not drawn all its controls.
    address.commit()
