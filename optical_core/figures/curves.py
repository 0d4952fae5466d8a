"""Picture of a learning curve: MAP against a number in the training's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from optical_core.analysis.tables import GROUPS
from optical_core.data.languages import language
from optical_core.figures.levels import NAMES
from optical_core.figures.theme import AMBER, BLUE, GREY, MARGIN, figure, note

_HEIGHT = 420
_GAP = 0.045
"""Least distance of two labels, as a share of the axis."""


def learning_curve(table: pd.DataFrame, setting: str, measure: str, *, dark: bool) -> go.Figure:
    """Draw a thin line a language and a thick one for the mean of each group.

    Args:
        table: a study's `curve_table`.
        setting: what the numbers are; the axis is logarithmic.
        measure: of the values.
        dark: for the dark theme?
    """
    if table.empty:
        return note("Nothing to show before two points are measured.", dark=dark)
    points = table.set_index("language").drop(columns=["per doubling", "low", "high"])
    numbers = [float(number) for number in points]
    group = dict(zip(GROUPS, (AMBER, BLUE), strict=True))
    traces = [
        {
            "type": "scatter",
            "x": numbers,
            "y": values.tolist(),
            "mode": "lines+markers",
            "name": _name(str(code)),
            "line": {
                "color": group.get(str(code), GREY),
                "width": 4 if code in group else 1.5,
            },
            "marker": {"size": 9 if code in group else 6},
            "hovertemplate": "%{fullData.name}, %{x:,}: %{y:.4f}<extra></extra>",
        }
        for code, values in points.iterrows()
    ]
    low, high = float(points.min(axis=None)), float(points.max(axis=None))
    room = 0.04 * (high - low) or 0.01
    ends = {str(code): float(value) for code, value in points.iloc[:, -1].items()}
    labels: list[dict[str, Any]] = [
        {
            "x": 1,
            "xref": "paper",
            "xanchor": "left",
            "xshift": 8,
            "y": y,
            "text": f"<b>{_name(code)}</b>" if code in group else _name(code),
            "showarrow": False,
            "font": {"size": 13},
        }
        for code, y in _apart(ends, _GAP * (high - low + 2 * room)).items()
    ]
    return figure(
        traces,
        dark=dark,
        height=_HEIGHT,
        showlegend=False,
        margin=MARGIN | {"r": 24 + 8 * max(len(_name(code)) for code in ends), "b": 52},
        x={
            "type": "log",
            "title_text": f"{setting} (logarithmic)",
            "tickvals": numbers,
            "ticktext": [f"{number:,g}" for number in numbers],
        },
        y={"title_text": NAMES.get(measure, measure), "range": [low - room, high + room]},
        annotations=labels,
    )


def _name(code: str) -> str:
    return f"mean of {code}" if code in GROUPS else language(code).name


def _apart(ends: Mapping[str, float], gap: float) -> dict[str, float]:
    """Move labels up, from the lowest on, until each is `gap` above the one below."""
    placed: dict[str, float] = {}
    least = float("-inf")
    for code in sorted(ends, key=ends.__getitem__):
        placed[code] = least = max(ends[code], least + gap)
    return placed
