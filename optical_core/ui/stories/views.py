"""The pages that can be part of a story, and how one of their views becomes a still."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from optical_core.errors import InputError
from optical_core.ui.address import START, Address, Parameters
from optical_core.wording import listed

if TYPE_CHECKING:
    from optical_core.ui.library import Library
    from optical_core.ui.still import Columns, Parts
    from optical_core.ui.stories.story import Step

PAGES = {
    "": ("start", ()),
    "alignment": ("alignment", ()),
    "gaps": ("gaps", ("terms", "on")),
    "search": ("search", ()),
    "inspector": ("inspector", ()),
    "collections": ("collections", ()),
    "judge": ("judge", ()),
    "train": ("training", ("from", "objective", "train", "steps", "dev")),
}
"""Page (the start page has no name) -> its folder beside this one, whose module `still` has
`parts`; and parameters of the page that change nothing in a still."""


def known_page(address: Address) -> Address:
    """Return an address whose page can be part of a story.

    Raises:
        InputError: It can't.
    """
    if address.page not in PAGES:
        raise InputError(
            f"a view of {listed([page or START for page in PAGES], word='or')} was expected, "
            f"got {str(address)!r:.80}"
        )
    return address


def view_parts(library: Library, address: Address) -> Parts:
    """The parts of a view, by name. What they show is computed only when they are called.

    Raises:
        InputError: The address has a parameter or a value that its page can't show.
    """
    folder, known = PAGES[known_page(address).page]
    given = Parameters(address)
    parts: Parts = import_module(f"optical_core.ui.{folder}.still").parts(library, given)
    given.refuse_others(known)
    return parts


def part_names(library: Library, address: Address) -> list[str]:
    """Names of a view's parts.

    Raises:
        InputError: As for `view_parts`.
    """
    return list(view_parts(library, address))


def step_stills(library: Library, step: Step) -> list[Columns]:
    """What a step shows, part by part.

    Raises:
        InputError: As for `view_parts`, or the view has no such part.
    """
    parts = view_parts(library, step.address)
    for name in step.parts:
        if name not in parts:
            raise InputError(
                f"parts: this view has no {name!r:.60}; it has {listed(list(parts), word='and')}"
            )
    return [make() for name, make in parts.items() if not step.parts or name in step.parts]
