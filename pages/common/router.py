"""One router for the app and for every page that is opened by its own address."""

from __future__ import annotations

import streamlit as st

from pages import search


def run() -> None:
    """Set the frame and run the page that the address names."""
    st.set_page_config(page_title="OPTICAL Workbench", page_icon="🔎", layout="wide")
    pages = [st.Page(search.render, title="Live search", url_path="search", default=True)]
    st.navigation(pages).run()
