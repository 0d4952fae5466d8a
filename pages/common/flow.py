"""Mount the pictures that the browser draws itself."""

from __future__ import annotations

from typing import Any

import streamlit as st

from optical_core.ui.browser import source

_picture = st.components.v2.component(
    "optical_flow", css=source("flow.css"), js=source("flow.js", "picture.js", "mount_picture.js")
)
_process = st.components.v2.component(
    "optical_process", css=source("flow.css", "process.css"), js=source("flow.js", "process.js")
)

_story = st.components.v2.component(
    "optical_story",
    css=source("flow.css", "story.css"),
    js=source("flow.js", "picture.js", "story.js", "mount_story.js"),
)


def flow_story(data: dict[str, Any], *, key: str) -> None:
    """Play a story. The step that the reader goes to goes into the address as `step`."""

    def moved() -> None:
        st.session_state["step"] = str(st.session_state[key].step)

    _story(data=data, key=key, on_step_change=moved)


def flow_process(data: dict[str, Any], *, key: str) -> None:
    """Draw how solvers find a plan, with its own sliders."""
    _process(data=data, key=key)


def flow_picture(data: dict[str, Any], *, key: str) -> None:
    """Draw a plan. A token that the reader pins goes into the address as `pin`."""

    def pinned() -> None:
        place = st.session_state[key].pin
        st.session_state["pin"] = None if place == "none" else place

    _picture(data=data, key=key, on_pin_change=pinned)
