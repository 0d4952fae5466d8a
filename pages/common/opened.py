"""The app's library, and the measurements that the reader has uploaded."""

from __future__ import annotations

import streamlit as st

from optical_core.analysis.measurements import Measurements
from optical_core.ui.library import Library

UPLOADS = "uploads"
"""Session key: the measurements that the reader has uploaded, by label."""


@st.cache_resource(show_spinner=False)
def library() -> Library:
    """The app's library. All tabs share it."""
    return Library()


def measurements() -> dict[str, Measurements]:
    """Saved evaluations and this session's uploads, by label."""
    return library().evaluations() | st.session_state.get(UPLOADS, {})


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
