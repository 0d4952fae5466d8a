"""Tokens as HTML: chips and heat strips. Everything that comes from a text is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from optical_core.escaping import html_text
from optical_core.figures.theme import BLUE, FONT, GREY, cost_colour, rgb
from optical_core.models.tokens import visible

if TYPE_CHECKING:
    from optical_core.transport import TransportPlan

_BLUE = rgb(BLUE)
STRONGEST = 0.5
"""Opacity of the strongest ground under a text: what is read on it keeps a contrast of 4.5."""
_CHIP = (
    "display:inline-block;margin:3px;padding:3px 9px;border-radius:9px;"
    "border:1px solid rgba(128,140,160,.45);line-height:1.35;vertical-align:top"
)


def word_chips(plan: TransportPlan, *, smallest: float = 0.05) -> str:
    """One chip a source word (or token), under it the targets of most of its mass, best first.

    A target has its share of the mass and the cost; the ground is the mean cost of the chip's
    mass, in the colours of ribbons.
    """
    shares = plan.row_normalised()
    means = (shares * plan.cost).sum(1)
    chips = []
    for row, word in enumerate(plan.source):
        order = sorted(range(len(plan.target)), key=lambda column: -shares[row, column])
        kept = [column for column in order[:3] if shares[row, column] >= smallest]
        below = "<br>".join(
            f"{html_text(visible(plan.target[column]))} {shares[row, column]:.0%}"
            f" · {plan.cost[row, column]:.2f}"
            for column in kept
        )
        colour = rgb(cost_colour(means[row])) if kept else rgb(GREY)
        chips.append(
            f"<span style='{_CHIP};background:rgba({colour},{STRONGEST:.2f})'>"
            f"<b>{html_text(visible(word))}</b><br>"
            f"<span style='font-size:.88em'>{below or '–'}</span></span>"
        )
    return _block("".join(chips))


def contribution_chips(tokens: Sequence[str], contributions: Sequence[float]) -> str:
    """Query tokens as chips, larger and darker the more of the score they bring."""
    most = max([abs(value) for value in contributions], default=0.0) or 1.0
    chips = []
    for token, value in zip(tokens, contributions, strict=True):
        share = max(value, 0.0) / most
        strength = 0.06 + (STRONGEST - 0.06) * share
        chips.append(
            f"<span style='{_CHIP};font-size:{0.8 + 0.5 * share:.2f}em;"
            f"background:rgba({_BLUE},{strength:.2f})'>{html_text(visible(token))}"
            f" <span style='font-size:.72rem'>{value:.2f}</span></span>"
        )
    return _block("".join(chips))


def heat_strip(text: str, spans: Mapping[tuple[int, int], float]) -> str:
    """A passage with spans of characters shaded; `spans` maps (start, end) to a weight."""
    most = max(spans.values(), default=0.0) or 1.0
    parts, position = [], 0
    for (start, end), weight in sorted(spans.items()):
        start = max(start, position)
        if end <= start or weight <= 0:
            continue
        strength = 0.15 + (STRONGEST - 0.15) * weight / most
        parts.append(html_text(text[position:start]))
        parts.append(
            f"<mark style='background:rgba({_BLUE},{strength:.2f});color:inherit;"
            f"border-radius:3px' title='{weight:.2f}'>{html_text(text[start:end])}</mark>"
        )
        position = end
    parts.append(html_text(text[position:]))
    return _block("".join(parts))


def plain(text: str, *, bold: bool = False) -> str:
    """A text as it is, set in its own direction."""
    inside = html_text(text)
    return _block(f"<b>{inside}</b>" if bold else inside)


def _block(inside: str) -> str:
    return (
        f"<div dir='auto' style=\"font-family:{FONT};line-height:1.6;unicode-bidi:isolate;"
        f'overflow-wrap:anywhere">{inside}</div>'
    )
