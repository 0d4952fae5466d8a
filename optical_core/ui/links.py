"""Two columns of tokens and the links between them: transport plans and MaxSim matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import east_asian_width

import plotly.graph_objects as go

from optical_core.escaping import plotly_text
from optical_core.figures.theme import figure, ink
from optical_core.models.tokens import is_joined, visible

ROW = 27
"""Height of a token's row in pixels."""
LONGEST = 16
"""Width of a label in columns; hovering shows the whole token."""
LEFT, RIGHT = 0.0, 1.0
_FROM, _TO = 0.02, 0.98
"""Where ribbons begin and end between the columns."""
_NARROW, _LETTER = 350, 8.2
"""Width in pixels of a figure on a telephone, and of a label's column."""
_FULL = 0.84
"""Part of a row that a full weight takes."""
_HOVER = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Places along a ribbon that have a hover text."""


Pin = tuple[str, int] | None
"""("left", i) or ("right", j): the token whose links don't fade."""


@dataclass(frozen=True)
class Link:
    """A ribbon from left token i to right token j; `weight` sets its thickness."""

    i: int
    j: int
    weight: float
    colour: str
    hover: str


def links_figure(
    left: Sequence[str],
    right: Sequence[str],
    links: Sequence[Link],
    *,
    dark: bool,
    full_weight: float,
) -> go.Figure:
    """Draw ribbons between two columns of tokens, in reading order from top to bottom.

    In columns, not rows, long words, right-to-left scripts and narrow screens all fit. A token's
    ribbons are stacked, so its weight is seen at both ends.

    Args:
        full_weight: The least weight that is as thick as a row. If a token has more, it is that.
    """
    rows = max(len(left), len(right), 1)
    positions = {"left": _spread(len(left), rows), "right": _spread(len(right), rows)}
    # Shapes, not traces: a browser draws a hundred shapes in the time of ten traces.
    shapes, hover = _ribbons(links, positions, full_weight)
    columns = [
        {
            "type": "scatter",
            "x": [x] * len(tokens),
            "y": positions[side],
            "mode": "markers+text",
            "text": [label(token) for token in tokens],
            "textposition": f"middle {side}",
            "textfont": {"color": ink(dark), "size": 15},
            "marker": {"size": 8, "color": ink(dark), "opacity": 0.85},
            "hovertext": [label(token, 80) for token in tokens],
            "hovertemplate": "%{hovertext}<extra></extra>",
            "cliponaxis": False,
            "showlegend": False,
        }
        for side, tokens, x in (("left", left, LEFT), ("right", right, RIGHT))
    ]
    room_left, room_right = _rooms(left, right)
    fixed = {"visible": False, "fixedrange": True}
    return figure(
        [hover, *columns],
        dark=dark,
        height=ROW * rows + 24,
        x=fixed | {"range": [-room_left, 1 + room_right]},
        y=fixed | {"range": [rows - 0.4, -0.6]},
        dragmode=False,
        hovermode="closest",
        shapes=shapes,
    )


def is_faded(pinned: Pin, i: int, j: int) -> bool:
    """Is a token pinned that isn't part of the link from left i to right j?"""
    return pinned is not None and (i if pinned[0] == "left" else j) != pinned[1]


def _ribbons(
    links: Sequence[Link], positions: dict[str, list[float]], full_weight: float
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The ribbons as shapes, thin ones on top, and the trace of their hover texts."""
    shapes, hover_x, hover_y, hover = [], [], [], []
    for link, start, stop, half in sorted(
        _stacked(links, positions, full_weight), key=lambda ribbon: -ribbon[0].weight
    ):
        shapes.append(
            {
                "type": "path",
                "path": _ribbon(start, stop, half),
                "fillcolor": link.colour,
                "line": {"width": 0.5, "color": link.colour},
                "opacity": 0.72,
                "layer": "below",
            }
        )
        for share in _HOVER:
            hover_x.append(_FROM + (_TO - _FROM) * share)
            hover_y.append(start + (stop - start) * share * share * (3 - 2 * share))
            hover.append(link.hover)
    return shapes, {
        "type": "scatter",
        "x": hover_x,
        "y": hover_y,
        "text": hover,
        "mode": "lines",  # invisible: one path instead of hundreds of markers
        "line": {"width": 0},
        "hovertemplate": "%{text}<extra></extra>",
        "name": "links",
        "showlegend": False,
    }


def _stacked(
    links: Sequence[Link], positions: dict[str, list[float]], full_weight: float
) -> list[tuple[Link, float, float, float]]:
    """Each link with the middles of its two ends and half its thickness, in rows."""
    sums = {side: [0.0] * len(places) for side, places in positions.items()}
    for link in links:
        sums["left"][link.i] += link.weight
        sums["right"][link.j] += link.weight
    row = _FULL / max([full_weight, *sums["left"], *sums["right"]])
    ends = {
        side: [place - row * total / 2 for place, total in zip(places, sums[side], strict=True)]
        for side, places in positions.items()
    }
    stacked = []
    for link in sorted(links, key=lambda link: (link.i, link.j)):
        half = row * link.weight / 2
        start, stop = ends["left"][link.i] + half, ends["right"][link.j] + half
        ends["left"][link.i] += 2 * half
        ends["right"][link.j] += 2 * half
        stacked.append((link, start, stop, half))
    return stacked


def _spread(count: int, rows: int) -> list[float]:
    """Rows of `count` tokens; a shorter side is centred."""
    return [index + (rows - count) / 2 for index in range(count)]


def _rooms(left: Sequence[str], right: Sequence[str]) -> tuple[float, float]:
    """Room for each side's labels, in units of the gap between the columns.

    It is the room that they need on a telephone, the narrowest screen.
    """
    shares = [
        (_LETTER * max((_width(cut(visible(token), LONGEST)) for token in tokens), default=1) + 16)
        / _NARROW
        for tokens in (left, right)
    ]
    gap = max(1 - sum(shares), 0.15)
    return shares[0] / gap, shares[1] / gap


def label(token: str, length: int = LONGEST) -> str:
    """A token as a label: cut if it is long, and escaped, since Plotly reads some HTML in texts."""
    return plotly_text(cut(visible(token), length))


def cut(text: str, length: int = LONGEST) -> str:
    """Cut a text to at most `length` columns, without splitting accents or emoji from a letter."""
    if _width(text) <= length or len(text) <= 1:
        return text
    end = max(1, next(k for k in range(len(text) + 1) if _width(text[:k]) > length - 1) - 1)
    whole = end
    while whole and (text[whole - 1] == "\u200d" or is_joined(text[whole])):
        whole -= 1
    return text[: whole or end] + "…"


def _width(text: str) -> int:
    """Width of a text in columns: two for Chinese, Japanese or Korean letters, none for accents."""
    wide = sum(east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(is_joined(character) for character in text)


def _ribbon(start: float, end: float, half: float) -> str:
    """SVG path of a ribbon. Its edges are cubic Bezier curves that start and end level."""
    middle = (_FROM + _TO) / 2
    up, down = (start - half, end - half), (start + half, end + half)
    return (
        f"M {_FROM},{up[0]:.4f} C {middle},{up[0]:.4f} {middle},{up[1]:.4f} {_TO},{up[1]:.4f} "
        f"L {_TO},{down[1]:.4f} C {middle},{down[1]:.4f} {middle},{down[0]:.4f} "
        f"{_FROM},{down[0]:.4f} Z"
    )
