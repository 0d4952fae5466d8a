"""Stories: saved views with notes, played full screen, and written as one file."""

from __future__ import annotations

import streamlit as st

from optical_core.errors import InputError
from optical_core.escaping import markdown_text
from optical_core.ui.stories.player import Flows, slides, story_html
from optical_core.ui.stories.story import (
    Step,
    Story,
    shipped_stories,
    stories,
    story_text,
)
from pages import stories_editing
from pages.common import parts
from pages.common.address import bound, held, hold, refuse
from pages.common.first_start import prepared
from pages.common.flow import flow_story
from pages.common.opened import library

READ = (
    "How to read this: a story leads through views of the other pages, each with a note. Arrow "
    "keys go on and back, and so does a swipe; F fills the screen. The HTML file works "
    "offline, light or dark as the reader's system is: you can send it to anybody."
)

STEP = "step"
"""Address parameter: the number of the step that is shown."""


def render() -> None:
    parts.header("Stories", READ)
    known = stories()
    names = list(known)
    row = st.columns([3, 1], vertical_alignment="bottom")
    name = bound(
        row[0].selectbox,
        "Story",
        names,
        key="story",
        default=names[0],
        format_func=lambda name: known[name].title,
    )
    with row[1]:
        stories_editing.begin(names)
    story = known[name]
    if story.steps and prepared():
        _play(story)
    elif not story.steps:
        st.info("This story has no steps yet: add the first one below.")
    with st.container(horizontal=True):
        if story.steps:
            _files(name, story)
    if name in shipped_stories():
        stories_editing.copy(name, story)
    else:
        stories_editing.edit(name, story)


def _play(story: Story) -> None:
    """Draw the player. The step is in the address."""
    html, flows = _slides(story)
    asked = held(STEP) or "1"
    step = int(asked) if asked.isdecimal() else 0
    if not 1 <= step <= len(story.steps):
        refuse("Step", [asked], ["1"])
        step = 1
        hold(STEP, None)
    data = {"html": html, "flows": flows, "step": step, "dark": parts.is_dark()}
    flow_story(data, key="story-player")


def _slides(story: Story) -> tuple[str, Flows]:
    """The story's steps, drawn. Only what has changed since is drawn again."""
    place = st.empty()

    def tell(number: int, step: Step) -> None:
        share = number / len(story.steps)
        place.progress(share, text=f"Drawing: {markdown_text(step.title)}")

    drawn = slides(library(), story, dark=parts.is_dark(), watch=tell)
    place.empty()
    return drawn


def _files(name: str, story: Story) -> None:
    def made() -> dict[str, str]:
        texts = {f"{name}.yaml": story_text(story)}
        try:
            texts = {f"{name}.html": story_html(library(), story)} | texts
        except InputError as error:
            parts.fault(error)
        return texts

    parts.files(made, key="story")


if __name__ == "__main__":
    from pages.common.router import run

    run()
