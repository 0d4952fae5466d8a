"""Stories as HTML: for the page's player, and as one file that works offline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from optical_core.errors import InputError
from optical_core.escaping import html_text
from optical_core.study.report import APP
from optical_core.ui.browser import source
from optical_core.ui.library import Library
from optical_core.ui.stories.drawing import drawn
from optical_core.ui.stories.notes import note_html
from optical_core.ui.stories.story import Step, Story
from optical_core.ui.stories.views import step_stills

Flows = list[Mapping[str, Any]]
"""Plans that the browser draws in the HTML: a place has its plan's number."""
Watch = Callable[[int, Step], None]
"""Told before each step: its number from 0 on, and the step."""
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)
"""The browser itself refuses to load anything else into the file."""
_NO_STEPS = "the story has no steps yet"


def slides(
    library: Library, story: Story, *, dark: bool = False, watch: Watch | None = None
) -> tuple[str, Flows]:
    """The steps for the page's player. One that can't be shown says why in its place."""
    html, flows = "", Flows()
    for step, view in _views(library, story, flows, watch, themes=(dark,)):
        if isinstance(view, InputError):
            view = f'<p class="fault">{html_text(str(view))}</p>'
        # The pages are beside each other, wherever the app is.
        html += _section(step, view, f".{step.view}", "Open the live view")
    return html, flows


def faults(library: Library, story: Story, *, watch: Watch | None = None) -> list[str]:
    """What keeps a story from being shown on this machine, a sentence a step."""
    if not story.steps:
        return [_NO_STEPS]
    return [
        f"step {number} ({step.title}): {view}"
        for number, (step, view) in enumerate(_views(library, story, Flows(), watch), 1)
        if isinstance(view, InputError)
    ]


def story_html(library: Library, story: Story, *, watch: Watch | None = None) -> str:
    """A story as one HTML page that loads nothing. Without scripts it is read from top to bottom.

    It is light or dark as the reader's system is.

    Raises:
        InputError: A step can't be shown, or there is none.
    """
    if not story.steps:
        raise InputError(_NO_STEPS)
    sections, flows = "", Flows()
    views = _views(library, story, flows, watch, themes=(False, True))
    for number, (step, view) in enumerate(views, 1):
        if isinstance(view, InputError):
            raise InputError(f"step {number} ({step.title}): {view}") from view
        label = "Live view (with the app running)"
        sections += _section(step, view, APP + step.view, label)
    title = html_text(story.title)
    data = json.dumps(flows, ensure_ascii=False).replace("<", "\\u003c")
    script = source("flow.js", "picture.js", "story.js", "offline_story.js")
    style = source("flow.css", "story.css", "offline_story.css")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<style>{style}</style></head>\n"
        f'<body><main class="story"><h1>{title}</h1>{sections}</main>\n'
        f'<script type="application/json" id="flows">{data}</script>\n'
        f'<script type="module">{script}</script></body></html>\n'
    )


def _views(
    library: Library,
    story: Story,
    flows: Flows,
    watch: Watch | None,
    *,
    themes: Sequence[bool] = (False,),
) -> Iterator[tuple[Step, str | InputError]]:
    """Each step with what it shows, or with why it can't be shown."""
    for number, step in enumerate(story.steps):
        if watch:
            watch(number, step)
        try:
            yield step, drawn(library, step_stills(library, step), flows, themes=themes)
        except InputError as error:
            yield step, error
        except ValueError as error:  # of a solver
            yield step, InputError(str(error))


def _section(step: Step, view: str, address: str, label: str) -> str:
    return (
        f'<section class="step"><div class="told"><h2>{html_text(step.title)}</h2>'
        f'{note_html(step.note)}<p class="live"><a href="{html_text(address)}" target="_blank" '
        f'rel="noopener">{label}</a></p></div><div class="view">{view}</div></section>\n'
    )
