"""What the app has opened, and what the reader has added to it."""

from __future__ import annotations

import streamlit as st

from optical_core.analysis.measurements import Measurements
from optical_core.ui.library import Library

UPLOADS = "uploads"
"""Session key: the measurements that the reader has uploaded, by label."""


@st.cache_resource(show_spinner=False)
def library() -> Library:
    """The app's one library, which all tabs share."""
    return Library()


def measurements() -> dict[str, Measurements]:
    """Saved evaluations, and those that this session has uploaded, by label."""
    return library().evaluations() | st.session_state.get(UPLOADS, {})


def add_measurements(upload: Measurements) -> str:
    """Keep an upload for the session; returns its label.

    One of a known collection joins what is saved of it; anything else stands by itself.
    """
    saved = library().evaluations()
    known = upload.collection in saved
    label = upload.collection if known else f"upload: {upload.collection}"
    joined = saved[label].joined(upload) if known else upload
    st.session_state.setdefault(UPLOADS, {})[label] = joined
    return label
