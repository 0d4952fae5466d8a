"""Reading files while the reader waits: progress, and Stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from optical_core.data.allowance import Tell
from optical_core.escaping import markdown_text


@contextmanager
def reading() -> Iterator[Tell]:
    """Yield a function that shows the progress.

    Streamlit notices Stop, or another click, when something is drawn. So every call of the
    function can end the reading.
    """
    place = st.empty()

    def tell(where: str) -> None:
        place.caption(f"Reading {markdown_text(where)}")

    with st.spinner("Reading…", show_time=True):
        yield tell
    place.empty()
