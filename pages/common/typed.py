"""Fields for text: what is too long is cut, and the page says so.

Streamlit's own `max_chars` drops a longer text that is pasted, without a word.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.common.address import bound


def text_input(place: Any, label: str, *, key: str, longest: int, **settings: Any) -> str:
    """A field, empty at first, whose text is in the address; of it the `longest` first characters.

    place: `st`, or a column.
    """
    text = taken(place, bound(place.text_input, label, key=key, default="", **settings), longest)
    if text:
        st.session_state["_address_new"][key] = [text]
    return text


def taken(place: Any, text: str, longest: int) -> str:
    """The `longest` first characters of a text; where that isn't all, a sentence says so."""
    if len(text) <= longest:
        return text
    place.warning(f"Only the first {longest:,} of {len(text):,} characters are taken.")
    return text[:longest]
