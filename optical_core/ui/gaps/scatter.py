"""The scatter of queries: one model's value against another's."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from optical_core.data.languages import language
from optical_core.escaping import plotly_text
from optical_core.figures.levels import NAMES, legend
from optical_core.figures.theme import BLUE, GREY, ORANGE, figure, ink, note

_LOOKS = {
    "gain": (BLUE, "triangle-up", "better"),
    "loss": (ORANGE, "triangle-down", "worse"),
    "same": (GREY, "circle", "the same"),
}
"""Change -> colour, marker, word in the key."""
_LONGEST = 70
"""Characters of a query in its hover text."""


def query_scatter(
    points: pd.DataFrame, baseline: str, model: str, measure: str, *, dark: bool
) -> go.Figure:
    """Draw each query's value under the baseline (x) and under a model (y).

    A click or a lasso selects points (customdata: query, language).

    Args:
        points: As `query_points` makes them, `with_texts`.
    """
    if points.empty:
        return note("No query fits these filters.", dark=dark)
    low = min(0.0, float(points[["before", "after"]].min().min()))
    high = max(1.0, float(points[["before", "after"]].max().max()))
    room = 0.03 * (high - low)
    ends = (low - room, high + room)
    line = {"type": "line", "x0": low, "y0": low, "x1": high, "y1": high, "layer": "below"}
    named = NAMES.get(measure, measure).split(" (")[0].removeprefix("M")
    return figure(
        [_trace(points[points["change"] == change], change) for change in _LOOKS],
        dark=dark,
        height=430,
        legend=legend(),
        dragmode="select",
        x={"title_text": f"{named}, {plotly_text(baseline)}", "range": ends},
        y={"title_text": f"{named}, {plotly_text(model)}", "range": ends},
        shapes=[line | {"line": {"color": ink(dark), "width": 1, "dash": "dot"}}],
    )


def _trace(points: pd.DataFrame, change: str) -> dict[str, Any]:
    colour, symbol, word = _LOOKS[change]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{word} ({len(points):,})",
        "x": points["before"].tolist(),
        "y": points["after"].tolist(),
        "marker": {"color": colour, "symbol": symbol, "size": 8, "opacity": 0.6},
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 0.15}},
        "customdata": [
            list(pair) for pair in zip(points["query"], points["language"], strict=True)
        ],
        "hovertext": _told(points),
        "hovertemplate": "%{hovertext}<br>%{x:.3f} → %{y:.3f}<extra></extra>",
    }


def _told(points: pd.DataFrame) -> list[str]:
    """Each query in words: its language, id and text."""
    texts = points["english"].where(points["english"] != "", points["text"])
    # Most texts and languages come often: each is looked up once.
    names = {code: language(code).name for code in points["language"].unique()}
    shown = {text: plotly_text(_cut(text)) for text in texts.unique()}
    ids = {query: plotly_text(query) for query in points["query"].unique()}
    return [
        f"{names[code]} {ids[query]}<br>{shown[text]}"
        for code, query, text in zip(points["language"], points["query"], texts, strict=True)
    ]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
