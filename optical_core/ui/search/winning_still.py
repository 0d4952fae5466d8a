"""Why one result wins, as a part of a still."""

from __future__ import annotations

from collections.abc import Callable

from optical_core.errors import InputError
from optical_core.ui.address import Parameters
from optical_core.ui.search.winning import Rivals
from optical_core.ui.still import Block, Columns, Html, Picture, heading, line, strong
from optical_core.ui.token_html import heat_strip


def winning_part(given: Parameters) -> Callable[[Rivals], Columns] | None:
    """What draws the comparison that an address asks for; None if it asks for none."""
    asked = given.one("compare", (False, True), False, lambda text: text == "True")
    this, other = (given.given(key)[-1:] for key in ("win", "over"))
    return (lambda rivals: _columns(rivals, this, other)) if asked else None


def _columns(rivals: Rivals, this: list[str], other: list[str]) -> Columns:
    """The picture of both scores, and both texts beside it.

    Raises:
        InputError: One of the results can't be chosen, or there are fewer than two.
    """
    if lost := [each for each in (*this, *other) if each not in rivals.options]:
        raise InputError(f"{lost[0]!r:.80} isn't among the results that can be compared")
    if len(rivals.options) < 2:
        raise InputError("there are no two results to compare")
    default = rivals.defaults(this[0] if this else None)
    found = rivals.contest(default[0], other[0] if other else default[1])
    texts: list[Block] = []
    for name, side in zip(found.names, (found.one, found.other), strict=True):
        texts += [heading(name), line(f"{side.score:.4f}"), Html(heat_strip(side.text, side.spans))]
    return [[strong(found.told), Picture(found.picture, found.title)], texts]
