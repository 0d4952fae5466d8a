"""Two scores side by side: what each word adds to both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from optical_core.escaping import plotly_text
from optical_core.figures.levels import legend
from optical_core.figures.theme import AMBER, BLUE, MARGIN, axis, figure, ink, note

_ROW = 38
_LEFT, _RIGHT = (0.0, 0.58), (0.64, 1.0)
"""Shares of the width: both scores on the left, their difference on the right."""
_HALVES = (0.0, 0.47), (0.53, 1.0)
"""The same for scores that can't be compared, each on a scale of its own."""
_COLOURS = (BLUE, AMBER)
_FONT = 12


def paired_picture(
    words: Sequence[str],
    shares: tuple[Sequence[float], Sequence[float]],
    names: tuple[str, str],
    *,
    comparable: bool,
    dark: bool,
    hover: tuple[Sequence[str], Sequence[str]] = ((), ()),
) -> go.Figure:
    """Draw a row a word with its share of both scores and, if they can be compared, the difference.

    Scores on different scales stand in two panels, each with its own axis.

    Args:
        words: From top to bottom; plain text.
        shares: Of the first score and of the second, one a word.
        names: Of the scores.
        comparable: Are both scores on one scale?
        dark: For the dark theme?
        hover: What is told of each word's shares; plain text.
    """
    if not words:
        return note("No word of the query is in either score.", dark=dark)
    ends = [_range(side) for side in shares]
    if comparable:
        ends = [(min(low for low, _ in ends), max(high for _, high in ends))] * 2
    traces = [
        _bars(shares[side], side, names[side], hover[side], "x" if comparable or not side else "x2")
        | ({"width": 0.38, "offset": (-0.39, 0.01)[side]} if comparable else {"width": 0.6})
        for side in (0, 1)
    ]
    panels = _LEFT if comparable else _HALVES[0], _RIGHT if comparable else _HALVES[1]
    second = ends[1]
    if comparable:
        changes = [one - other for one, other in zip(*shares, strict=True)]
        traces += _differences(changes)
        low, high = min(0.0, *changes), max(0.0, *changes)
        second = low, high + 0.75 * ((high - low) or 0.1)
    return figure(
        traces,
        dark=dark,
        height=_ROW * len(words) + 100,
        margin=MARGIN | {"l": 14 + 8 * max(map(len, words)), "b": 48},
        legend=legend() | {"traceorder": "normal"},
        barmode="overlay",
        hovermode="closest",
        dragmode=False,
        x=_across(panels[0], ends[0], "share of the score"),
        xaxis2=axis(dark)
        | _across(panels[1], second, "difference" if comparable else "share of the score")
        | {"anchor": "y"},
        y=_down(words),
        shapes=[
            {
                "type": "line",
                "xref": panel,
                "yref": "y",
                "x0": 0,
                "x1": 0,
                "y0": -0.6,
                "y1": len(words) - 0.4,
                "line": {"color": ink(dark), "width": 1},
            }
            for panel in ("x", "x2")
        ],
    )


def _down(words: Sequence[str]) -> dict[str, Any]:
    """The axis of the words, from top to bottom."""
    return {
        "automargin": False,
        "showgrid": False,
        "tickmode": "array",
        "tickvals": list(range(len(words))),
        "ticktext": [plotly_text(word) for word in words],
        "range": [len(words) - 0.4, -0.6],
        "fixedrange": True,
    }


def _range(values: Sequence[float]) -> tuple[float, float]:
    """An axis with zero in it, and room for the numbers at the ends of the bars."""
    low, high = min(0.0, *values), max(0.0, *values)
    room = 0.34 * (high - low) or 0.1
    return (low - room if low else 0.0), (high + room if high else 0.0)


def _across(domain: tuple[float, float], ends: tuple[float, float], title: str) -> dict[str, Any]:
    return {
        "domain": domain,
        "range": ends,
        "title_text": title,
        "nticks": 4,
        "tickangle": 0,
        "fixedrange": True,
        "automargin": False,
    }


def _bars(
    values: Sequence[float], side: int, name: str, hover: Sequence[str], panel: str
) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "xaxis": panel,
        "name": plotly_text(name),
        "x": list(values),
        "y": list(range(len(values))),
        "marker": {"color": _COLOURS[side]},
        "text": [f"{value:.3f}" for value in values],
        "textposition": "outside",
        "textfont": {"size": _FONT},
        "cliponaxis": False,
        "hovertext": [plotly_text(text) for text in hover],
        "hovertemplate": "%{hovertext}<extra></extra>" if hover else None,
    }


def _differences(values: Sequence[float]) -> list[dict[str, Any]]:
    """The differences as bars, and their numbers on the right, where a narrow screen has room."""
    places = list(range(len(values)))
    common = {"xaxis": "x2", "y": places, "showlegend": False, "hoverinfo": "skip"}
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": list(values),
        "width": 0.5,
        "marker": {"color": [_COLOURS[value < 0] for value in values]},
    }
    numbers = {
        "type": "scatter",
        "mode": "text",
        "x": [max(value, 0.0) for value in values],
        "text": [f"\u00a0{value:+.3f}" if abs(value) >= 0.0005 else "\u00a00" for value in values],
        "textposition": "middle right",
        "textfont": {"size": _FONT},
        "cliponaxis": False,
    }
    return [common | bars, common | numbers]
