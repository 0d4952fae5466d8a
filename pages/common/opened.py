"""The app's library, and the measurements that the reader has uploaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from optical_core.analysis.measurements import Measurements
from optical_core.figures.levels import NAMES
from optical_core.ui.library import Library
from pages.common.address import bound

UPLOADS = "uploads"
"""Session key: the measurements that the reader has uploaded, by label."""


@st.cache_resource(show_spinner=False)
def library() -> Library:
    """The app's library. All tabs share it."""
    return Library()


def measurements() -> dict[str, Measurements]:
    """Saved evaluations and this session's uploads, by label."""
    return library().evaluations() | st.session_state.get(UPLOADS, {})


def measured_choice(place: Any, by_label: Mapping[str, Measurements], *, default: str) -> str:
    """Draw the choice of an evaluation in a place of the page. Returns its label.

    `default` is chosen first, or the first evaluation where there is no such label.
    """
    first = default if default in by_label else next(iter(by_label))
    return bound(place.selectbox, "Collection", list(by_label), key="results", default=first)


def measure_choice(place: Any, label: str, results: Measurements) -> str:
    """Draw the choice of one of the measured measures; AP is chosen first if it is among them."""
    usual = [name for name in NAMES if name in results.measures]
    names = list(dict.fromkeys([*usual, *results.measures]))
    return bound(
        place.selectbox,
        label,
        names,
        key="measure",
        default=names[0],
        format_func=lambda name: NAMES.get(name, name),
    )


def add_measurements(upload: Measurements) -> str:
    """Keep an upload for the session. Returns its label.

    An upload for a known collection is joined with the saved evaluation of it. Any other upload
    gets a label of its own.
    """
    saved = library().evaluations()
    known = upload.collection in saved
    label = upload.collection if known else f"upload: {upload.collection}"
    joined = saved[label].joined(upload) if known else upload
    st.session_state.setdefault(UPLOADS, {})[label] = joined
    return label
