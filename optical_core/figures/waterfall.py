"""The waterfall of a gap: what each language adds to it, and what a model changes in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from optical_core.data.languages import language
from optical_core.escaping import plotly_text
from optical_core.figures.levels import NAMES
from optical_core.figures.theme import BLUE, GREY, MARGIN, ORANGE, figure, ink, note

_ROW, _VALUE = 26, 56
"""Pixels: height of a row, room for a value beside the longest bar."""


@dataclass(frozen=True)
class _Step:
    """A bar from `start` to `end`; `total` if it stands for a whole gap."""

    label: str
    start: float
    end: float
    total: bool = False


def gap_waterfall(
    contributions: pd.DataFrame, model: str, measure: str, *, dark: bool
) -> go.Figure:
    """Draw a bar a language: first what makes the baseline's gap, then what a model changes.

    Args:
        contributions: As `contribution_table` makes them. Without shortfalls, which only a parallel
            collection has, the picture has the changes alone.
        model: One of its models.
    """
    rows = contributions[contributions["model"] == model]
    if rows.empty:
        return note("A gap needs a second model, and languages of both groups.", dark=dark)
    steps = _steps(rows, model)
    places = list(range(len(steps)))
    ends = [end for step in steps for end in (step.start, step.end)]
    low, high = min(0.0, *ends), max(0.0, *ends)
    room = 0.16 * (high - low or 1)
    left = min(low, *(step.end - room for step in steps if step.end < step.start), 0.0)
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": -0.6, "y1": len(steps) - 0.4}
    return figure(
        [_bars(steps)],
        dark=dark,
        height=_ROW * len(steps) + 70,
        margin=MARGIN
        | {"l": 14 + 8 * max(len(step.label) for step in steps), "r": _VALUE, "b": 48},
        dragmode=False,
        bargap=0.25,
        x={
            "title_text": f"gap in {NAMES.get(measure, measure)}",
            "range": (left, high + 0.02 * room),
            "automargin": False,
        },
        y={
            "automargin": False,
            "showgrid": False,
            "tickmode": "array",
            "tickvals": places,
            "ticktext": [
                f"<b>{plotly_text(step.label)}</b>" if step.total else step.label for step in steps
            ],
            "range": [len(steps) - 0.4, -0.6],
            "fixedrange": True,
        },
        shapes=[
            zero | {"line": {"color": ink(dark), "width": 1}},
            *(_joint(place, step) for place, step in zip(places, steps[:-1], strict=False)),
        ],
    )


def waterfall_told(contributions: pd.DataFrame, model: str) -> str:
    """The waterfall in words: the bars of each whole, and what they add up to.

    Args:
        contributions: As `gap_waterfall` takes them.
        model: One of its models.
    """
    rows = contributions[contributions["model"] == model]
    said, bars = [], []
    for step in _steps(rows, model) if len(rows) else ():
        bars.append(f"{step.label} {_value(step)}")
        if step.total:
            *parts, whole = bars
            said.append(f"{', '.join(parts)}: {whole}.")
            bars = []
    return " ".join(said)


def _value(step: _Step) -> str:
    return f"{step.end:.3f}" if step.total else f"{step.end - step.start:+.3f}"


def _steps(rows: pd.DataFrame, model: str) -> list[_Step]:
    """The bars from top to bottom, each beginning where the one above ends."""
    steps: list[_Step] = []
    at = 0.0
    if rows["shortfall"].notna().all():
        lows = rows[rows["group"] == "low-resource"].sort_values("shortfall", ascending=False)
        for code, value in zip(lows["language"], lows["shortfall"], strict=True):
            steps.append(_Step(language(code).name, at, at + value))
            at += value
        steps.append(_Step(f"gap, {rows['baseline'].iloc[0]}", 0.0, at, total=True))
    changes = rows.sort_values("change")
    for code, value in zip(changes["language"], changes["change"], strict=True):
        steps.append(_Step(language(code).name, at, at + value))
        at += value
    name = f"gap, {model}" if rows["shortfall"].notna().all() else f"change, {model}"
    return [*steps, _Step(name, 0.0, at, total=True)]


def _bars(steps: list[_Step]) -> dict[str, Any]:
    grows = [step.end >= step.start for step in steps]
    colours = [
        GREY if step.total else ORANGE if grown else BLUE
        for step, grown in zip(steps, grows, strict=True)
    ]
    return {
        "type": "bar",
        "orientation": "h",
        "base": [step.start for step in steps],
        "x": [step.end - step.start for step in steps],
        "y": list(range(len(steps))),
        "marker": {"color": colours},
        "text": [_value(step) for step in steps],
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": [plotly_text(step.label) for step in steps],
        "hovertemplate": "%{customdata}: %{text}<extra></extra>",
        "showlegend": False,
    }


def _joint(place: int, step: _Step) -> dict[str, Any]:
    """The line from a bar's end to the next bar."""
    line = {"color": GREY, "width": 1, "dash": "dot"}
    return {"type": "line", "x0": step.end, "x1": step.end, "y0": place, "y1": place + 1} | {
        "line": line,
        "layer": "below",
    }
