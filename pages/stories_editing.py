"""Making stories: new ones, copies, their steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from optical_core.errors import InputError
from optical_core.escaping import markdown_text
from optical_core.ui.address import AGAIN
from optical_core.ui.stories.story import (
    LONGEST_TITLE,
    Step,
    Story,
    remove_story,
    story_names,
    uploaded_story,
    write_story,
)
from optical_core.ui.stories.views import part_names
from optical_core.validation import validated
from pages.common import parts
from pages.common.opened import library
from pages.common.typed import taken

ADDRESS = "Address of the view"
HINT = (
    "Open the view that you want to show on its page, and copy the address from the browser, or a "
    "part of it from the page's name on: alignment?lang=so, or start"
)


def begin(names: Sequence[str]) -> None:
    """Draw the form for a new story, empty or from a file."""
    with (
        st.popover("New story", icon=":material/add:", width="stretch"),
        st.form("new-story", border=False),
    ):
        name = st.text_input("Name", placeholder="my-story")
        title = st.text_input("Title", placeholder="What it tells")
        file = st.file_uploader("or a story's file", type=["yaml", "yml"])
        if not st.form_submit_button("Make it", type="primary"):
            return
        try:
            if file is not None:
                story = uploaded_story(file.name, file.getvalue())
            else:
                story = validated(Story, {"title": title.strip()}, "the story")
            _make(name.strip(), story, names)
        except InputError as error:
            parts.fault(error)


def copy(name: str, story: Story) -> None:
    """Draw the button that makes a copy of a shipped story."""
    st.caption("This story came with the app. Change a copy of it.")
    if st.button("Copy it", icon=":material/content_copy:"):
        known = story_names()
        number = next(k for k in range(2, 1000) if f"{name}-{k}" not in known)
        ending = f" ({number})"
        title = story.title[: LONGEST_TITLE - len(ending)] + ending
        _make(f"{name}-{number}", story.model_copy(update={"title": title}), known)


def _make(name: str, story: Story, names: Sequence[str]) -> None:
    if name in names:
        raise InputError(f"there is a story {name!r} already: choose another name")
    write_story(name, story)
    parts.leave("stories", story=name, **AGAIN)


def edit(name: str, story: Story) -> None:
    """Draw the forms that change a story."""
    parts.section("Steps")
    for place, step in enumerate(story.steps):
        with st.expander(f"{place + 1}. {markdown_text(step.title)}"):
            _step(name, story, place)
    with st.expander("Add a step", expanded=not story.steps, icon=":material/add:"):
        _step(name, story, None)
    with st.container(horizontal=True):
        _title(name, story)
        with st.popover("Remove the story", icon=":material/delete:"):
            st.markdown(f"Remove **{markdown_text(story.title)}**? This can't be undone.")
            st.button("Yes, remove it", type="primary", on_click=_remove, args=(name,))


def _step(name: str, story: Story, place: int | None) -> None:
    """Draw the form of one step, or of a new one."""
    step = None if place is None else story.steps[place]
    key = f"{name}-{'new' if step is None else hash((place, step))}"
    with st.form(f"step-{key}", border=False, clear_on_submit=step is None):
        title = st.text_input("Title", step.title if step else "")
        view = st.text_input(ADDRESS, step.view if step else "", help=HINT)
        shown = None
        if step is not None and (offered := _offered(step)):
            shown = st.multiselect(
                "Parts of the page (all, if none is chosen)", offered, list(step.parts)
            )
        note = st.text_area("Note (Markdown)", step.note if step else "")
        wanted = st.form_submit_button("Add" if step is None else "Save", type="primary")
    if step is not None and place is not None:
        _moves(name, story, place)
    if not wanted:
        return
    values: dict[str, Any] = {"title": title.strip(), "view": view.strip(), "note": note.strip()}
    # Parts belong to a view: a new view begins with all of its own.
    if step is not None and step.view == view.strip():
        values["parts"] = step.parts if shown is None else tuple(shown)
    try:
        made = validated(Step, values, "the step")
        part_names(library(), made.address)
        write_story(name, story.with_step(made, place))
    except InputError as error:
        parts.fault(error)
        return
    st.session_state["step"] = str(len(story.steps) + 1 if place is None else place + 1)
    st.rerun()


def _offered(step: Step) -> list[str]:
    """The parts that a step's view has; none if it can't be opened here."""
    try:
        return part_names(library(), step.address)
    except InputError as error:
        parts.fault(error)
        return []


def _moves(name: str, story: Story, place: int) -> None:
    last = len(story.steps) - 1
    with st.container(horizontal=True):
        for label, icon, to in (
            ("Up", "arrow_upward", place - 1),
            ("Down", "arrow_downward", place + 1),
        ):
            st.button(
                label,
                key=f"{label}-{name}-{place}",
                icon=f":material/{icon}:",
                disabled=not 0 <= to <= last,
                on_click=_write,
                args=(name, story.moved(place, to) if 0 <= to <= last else story, to + 1),
            )
        st.button(
            "Remove",
            key=f"remove-{name}-{place}",
            icon=":material/delete:",
            on_click=_write,
            args=(name, story.without_step(place), max(place, 1)),
        )


def _write(name: str, story: Story, step: int) -> None:
    write_story(name, story)
    st.session_state["step"] = str(step)


def _title(name: str, story: Story) -> None:
    with st.popover("Change the title", icon=":material/edit:"), st.form("title", border=False):
        title = taken(st, st.text_input("Title", story.title), LONGEST_TITLE)
        if st.form_submit_button("Save") and title.strip():
            write_story(name, story.model_copy(update={"title": title.strip()}))
            st.rerun()


def _remove(name: str) -> None:
    remove_story(name)
    st.session_state.pop("story", None)
