"""Text fields: a text that is too long is cut, and the page says so.

Streamlit's own `max_chars` drops such a text without a word when it is pasted.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.common.address import bound


def text_input(place: Any, label: str, *, key: str, longest: int, **settings: Any) -> str:
    """Draw a text field, empty at first, and keep its text in the address.

    Args:
        place: `st`, or a column.
        longest: Most characters of the text.
    """
    return _field(place, place.text_input, label, key, longest, settings)


def text_area(place: Any, label: str, *, key: str, longest: int, **settings: Any) -> str:
    """Draw a field for several lines of text; arguments as of `text_input`."""
    return _field(place, place.text_area, label, key, longest, settings)


def _field(
    place: Any, widget: Any, label: str, key: str, longest: int, settings: dict[str, Any]
) -> str:
    text = taken(place, bound(widget, label, key=key, default="", **settings), longest)
    if text:
        st.session_state["_address_new"][key] = [text]
    return text


def taken(place: Any, text: str, longest: int) -> str:
    """The first `longest` characters of a text. If that isn't all, `place` shows a warning."""
    if len(text) <= longest:
        return text
    place.warning(f"Only the first {longest:,} of {len(text):,} characters are taken.")
    return text[:longest]
