"""Files that are read while the reader waits: how far it is, and Stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from optical_core.data.allowance import Tell
from optical_core.escaping import markdown_text


@contextmanager
def reading() -> Iterator[Tell]:
    """Yield what takes word of how far it is.

    Streamlit hears Stop, or another click, where something is drawn: so each word can end the
    reading.
    """
    place = st.empty()

    def tell(where: str) -> None:
        place.caption(f"Reading {markdown_text(where)}")

    with st.spinner("Reading…", show_time=True):
        yield tell
    place.empty()
