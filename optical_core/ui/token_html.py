"""Tokens as HTML: chips and heat strips. All texts are escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optical_core.escaping import html_text
from optical_core.figures.theme import BLUE, FONT, rgb
from optical_core.models.tokens import visible

_BLUE = rgb(BLUE)
STRONGEST = 0.5
"""Opacity of the strongest background of a text: the contrast on it is still 4.5."""
CHIP = (
    "display:inline-block;margin:3px;padding:3px 9px;border-radius:9px;"
    "border:1px solid rgba(128,140,160,.45);line-height:1.35;vertical-align:top"
)
"""Style of a chip without its background."""


def contribution_chips(tokens: Sequence[str], contributions: Sequence[float]) -> str:
    """Query tokens as chips: the more a token contributes, the larger and darker its chip."""
    most = max([abs(value) for value in contributions], default=0.0) or 1.0
    chips = []
    for token, value in zip(tokens, contributions, strict=True):
        share = max(value, 0.0) / most
        strength = 0.06 + (STRONGEST - 0.06) * share
        chips.append(
            f"<span style='{CHIP};font-size:{0.8 + 0.5 * share:.2f}em;"
            f"background:rgba({_BLUE},{strength:.2f})'>{html_text(visible(token))}"
            f" <span style='font-size:.72rem'>{value:.2f}</span></span>"
        )
    return block("".join(chips))


def heat_strip(text: str, spans: Mapping[tuple[int, int], float]) -> str:
    """A passage with shaded spans. `spans` maps (start, end) in characters to a weight."""
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
    return block("".join(parts))


def plain(text: str, *, bold: bool = False, faint: bool = False) -> str:
    """A text as it is, in its own direction; `faint` for one that stands under another."""
    inside = html_text(text)
    if faint:
        inside = f"<span style='font-size:.9em;opacity:.78'>{inside}</span>"
    return block(f"<b>{inside}</b>" if bold else inside)


def block(inside: str) -> str:
    """HTML in the font of all texts and in its own direction."""
    return (
        f"<div dir='auto' style=\"font-family:{FONT};line-height:1.6;unicode-bidi:isolate;"
        f'overflow-wrap:anywhere">{inside}</div>'
    )
