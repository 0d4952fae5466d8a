"""A story: saved views of the app in a sequence, each with a note. Kept as one YAML file.

stories/<name>.yaml    of $OPTICAL_HOME; the shipped ones are in assets/stories
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from optical_core.data.allowance import UPLOADS, allowed
from optical_core.data.lines import read_text
from optical_core.data.yaml import read_yaml, write_yaml
from optical_core.errors import InputError
from optical_core.paths import check_path
from optical_core.storage import assets, home, replace_file
from optical_core.ui.address import LONGEST, Address
from optical_core.ui.stories.views import known_page
from optical_core.ui.uploads import uploaded
from optical_core.validation import plain_name, validated
from optical_core.wording import listed

logger = logging.getLogger(__name__)

_ENDING = ".yaml"
MOST_STEPS, LONGEST_TITLE, LONGEST_NOTE = 50, 200, 4000


def _shown(text: str) -> str:
    """Check the address of a view, and write it in one form."""
    try:
        return str(known_page(Address.parse(text)))
    except InputError as error:
        raise ValueError(str(error)) from error


class Step(BaseModel):
    """One view of a story.

    Attributes:
        title: Stands above it.
        view: The address of a page, as the browser shows it; kept without the app's own address.
        parts: Names of the parts of the page that are shown; empty for all.
        note: Markdown. HTML in it is shown as text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1, max_length=LONGEST_TITLE)
    view: Annotated[str, Field(max_length=LONGEST), AfterValidator(_shown)]
    parts: tuple[str, ...] = ()
    note: str = Field("", max_length=LONGEST_NOTE)

    @property
    def address(self) -> Address:
        """The page and its parameters."""
        return Address.parse(self.view)


class Story(BaseModel):
    """A sequence of views.

    Attributes:
        title: What it tells.
        steps: The views in their order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1, max_length=LONGEST_TITLE)
    steps: tuple[Step, ...] = Field((), max_length=MOST_STEPS)

    @field_validator("steps", mode="before")
    @classmethod
    def _none(cls, steps: Any) -> Any:
        return () if steps is None else steps

    def with_step(self, step: Step, place: int | None = None) -> Story:
        """A copy with a step in a place (the old step goes), or at the end.

        Raises:
            InputError: There are too many.
        """
        at = len(self.steps) if place is None else place
        steps = (*self.steps[:at], step, *self.steps[at + 1 :])
        if len(steps) > MOST_STEPS:
            raise InputError(f"a story has at most {MOST_STEPS} steps")
        return self.model_copy(update={"steps": steps})

    def without_step(self, place: int) -> Story:
        """A copy without one of its steps."""
        return self.model_copy(update={"steps": self.steps[:place] + self.steps[place + 1 :]})

    def moved(self, place: int, to: int) -> Story:
        """A copy in which a step stands elsewhere."""
        steps = list(self.steps)
        steps.insert(min(max(to, 0), len(steps) - 1), steps.pop(place))
        return self.model_copy(update={"steps": tuple(steps)})


def shipped_stories() -> list[str]:
    """Names of the stories that come with the package."""
    return sorted(path.stem for path in assets("stories").glob(f"*{_ENDING}"))


def story_names() -> list[str]:
    """Names of the shipped stories and of those in `$OPTICAL_HOME`."""
    own = home("stories", "x").parent.glob(f"[!.]*{_ENDING}")
    shipped = shipped_stories()
    return [*shipped, *sorted({path.stem for path in own} - set(shipped))]


def stories() -> dict[str, Story]:
    """Stories by name; damaged files are left out, with a warning."""
    found = {}
    for name in story_names():
        try:
            found[name] = read_story(name)
        except InputError as error:
            logger.warning("left out: %s", error)
    return found


def read_story(name_or_path: str) -> Story:
    """Read a story by its name, or from a file.

    Raises:
        InputError: There is no such story, or the file is no story.

    Examples:
        >>> len(read_story("somali").steps)
        8
    """
    if name_or_path in story_names():
        path = story_file(name_or_path)
    else:
        check_path(name_or_path)
        path = Path(name_or_path)
        if not path.is_file():
            raise InputError(
                f"there is no story {name_or_path!r:.80}: give a YAML file, or one of "
                f"{listed(story_names(), word='or')}"
            )
    return parse_story(read_text(path), str(path))


def parse_story(text: str, where: str) -> Story:
    """Read a story's YAML.

    Args:
        where: Errors begin with it.

    Raises:
        InputError: It is no story.
    """
    content = read_yaml(text, where)
    if not isinstance(content, dict):
        raise InputError(f"{where}: a title and steps were expected")
    return validated(Story, content, where)


def uploaded_story(name: str, data: bytes) -> Story:
    """Read an uploaded story.

    Raises:
        InputError: It is no story, or no text in UTF-8.
    """
    with allowed(UPLOADS), uploaded([(name, data)]) as (path,):
        return parse_story(read_text(path), name)


def story_text(story: Story) -> str:
    """A story as YAML."""
    steps = [step.model_dump(mode="json", exclude_defaults=True) for step in story.steps]
    return write_yaml({"title": story.title, "steps": steps})


def story_file(name: str) -> Path:
    """The file of a story."""
    shipped = name in shipped_stories()
    return assets("stories", f"{name}{_ENDING}") if shipped else home("stories", name + _ENDING)


def write_story(name: str, story: Story) -> None:
    """Keep a story in `$OPTICAL_HOME`.

    Raises:
        InputError: A shipped story has the name, or no file can have it.
    """
    try:
        plain_name(name)
    except ValueError as error:
        raise InputError(f"name of the story: {error}") from error
    if name in shipped_stories():
        raise InputError(f"{name} is a shipped story: choose another name for yours")
    with replace_file(home("stories", name + _ENDING)) as temporary:
        temporary.write_text(story_text(story), encoding="utf-8")


def remove_story(name: str) -> None:
    """Remove one of the stories in `$OPTICAL_HOME`."""
    home("stories", name + _ENDING).unlink(missing_ok=True)
