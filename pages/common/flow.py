"""Mount what the browser draws or notices itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

_choices = st.components.v2.component(
    "optical_choices", css=source("choices.css"), js=source("choices.js")
)

_theme = st.components.v2.component("optical_theme", css=source("theme.css"), js=source("theme.js"))


def follow_theme() -> None:
    """Run the script anew when the page's theme changes: figures have its colours."""
    _theme(key="theme", on_changed_change=lambda: None)


def choices(
    label: str,
    options: Sequence[tuple[Any, str]],
    hint: str,
    *,
    key: str,
    at: Any = None,
    chosen: Callable[[Any], None] | None = None,
) -> Any:
    """Draw a picture's clicks as a list that is seen while it has the focus.

    Args:
        options: (value, what it says).
        key: Of all lists; the element's begins with `choices-`, which the pages' style knows.
        at: The value to begin with.
        chosen: Called with a chosen value before the script runs.

    Returns:
        The value that was chosen just now, or None.
    """

    key = f"choices-{key}"

    def told() -> None:
        if chosen:
            chosen(st.session_state[key].chosen)

    data = {"label": label, "hint": hint, "options": options, "chosen": at}
    return _choices(data=data, key=key, on_chosen_change=told).chosen


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
