"""What the app has opened."""

from __future__ import annotations

import streamlit as st

from optical_core.ui.library import Library


@st.cache_resource(show_spinner=False)
def library() -> Library:
    """The app's one library, which all tabs share."""
    return Library()
