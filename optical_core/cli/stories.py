"""Commands of stories: list them, check them, write one as an HTML file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optical_core.cli.application import SETTINGS, Application, Json, app, print_json
from optical_core.wording import counted

if TYPE_CHECKING:
    from optical_core.ui.stories.story import Step

story_app = Application(
    help="Tell a story in saved views of the app: made and played on the page Stories.",
    context_settings=SETTINGS,
    no_args_is_help=True,
)
app.add_typer(story_app, name="story")

_Story = Annotated[str, typer.Argument(help="A name of `optical story list`, or a YAML file.")]


@story_app.command("list", epilog="Example:  optical story list")
def list_stories(as_json: Json = False) -> None:
    """List the shipped stories and your own, with their titles."""
    from optical_core.ui.stories.story import stories

    found = stories()
    if as_json:
        rows = [{"name": n, "title": s.title, "steps": len(s.steps)} for n, s in found.items()]
        print_json(rows)
        return
    for name, story in found.items():
        print(f"{name}  {story.title} ({counted(len(story.steps), 'step')})")


@story_app.command(epilog="Example:  optical story check somali")
def check(story: _Story) -> None:
    """Open each view, and say which can't be shown on this machine."""
    from optical_core.errors import InputError
    from optical_core.ui.library import Library
    from optical_core.ui.stories.player import faults
    from optical_core.ui.stories.story import read_story

    opened = read_story(story)
    if found := faults(Library(), opened, watch=_tell):
        raise InputError("\n".join(found))
    print(f"{story}: all {counted(len(opened.steps), 'step')} can be shown")


@story_app.command(epilog="Example:  optical story export somali --out somali.html")
def export(
    story: _Story,
    out: Annotated[Path, typer.Option(help="The HTML file to write.")],
) -> None:
    """Write a story as one HTML file that works offline."""
    from optical_core.paths import check_apart
    from optical_core.storage import replace_file
    from optical_core.ui.library import Library
    from optical_core.ui.stories.player import story_html
    from optical_core.ui.stories.story import read_story

    check_apart(out, [story])
    text = story_html(Library(), read_story(story), watch=_tell)
    with replace_file(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(f"{story} -> {out}")


def _tell(number: int, step: Step) -> None:
    print(f"optical: step {number + 1}, {step.title}", file=sys.stderr)
