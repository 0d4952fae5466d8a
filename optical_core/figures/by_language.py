"""One query in many languages: cost, AP and fertility, in panels with the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from optical_core.escaping import plotly_text
from optical_core.figures.levels import legend
from optical_core.figures.theme import (
    GREY,
    MARGIN,
    axis,
    figure,
    model_colours,
    model_symbols,
    note,
)

_ROW = 30
_GAP = 0.05
"""Between panels, as a share of the width."""


@dataclass(frozen=True)
class Panel:
    """A panel of the picture.

    Attributes:
        title: Of its axis.
        values: Of each row, by model; None where there is none.
        width: Its part of the width; the panels' parts add up to 1.
        ends: Of its axis; None if the values decide.
    """

    title: str
    values: Sequence[Mapping[str, float | None]]
    width: float
    ends: tuple[float, float] | None = None


def language_picture(names: Sequence[str], panels: Sequence[Panel], *, dark: bool) -> go.Figure:
    """Draw a row a language and a marker a model, joined by a line, in every panel.

    Args:
        names: Of the rows, from top to bottom.
        panels: From left to right; each has a value for each row and model.
        dark: For the dark theme?
    """
    if not names:
        return note("Nothing to show: choose a language.", dark=dark)
    models = list(dict.fromkeys(model for panel in panels for row in panel.values for model in row))
    axes, traces, left = {}, [], 0.0
    for number, panel in enumerate(panels, 1):
        side = "" if number == 1 else str(number)
        right = left + panel.width - (_GAP if number < len(panels) else 0)
        axes[f"xaxis{side}"] = axis(dark) | _across(panel, (left, min(right, 1.0)))
        traces += list(_marks(panel, f"x{side}", names, models, first=number == 1))
        left += panel.width
    return figure(
        traces,
        dark=dark,
        height=_ROW * len(names) + 100,
        margin=MARGIN | {"l": 14 + 8 * max(map(len, names)), "b": 48},
        legend=legend(),
        hovermode="closest",
        dragmode=False,
        y={
            "automargin": False,
            "tickmode": "array",
            "tickvals": list(range(len(names))),
            "ticktext": [plotly_text(name) for name in names],
            "range": [len(names) - 0.4, -0.6],
            "fixedrange": True,
        },
        x=axes.pop("xaxis"),
        **axes,
    )


def _across(panel: Panel, domain: tuple[float, float]) -> dict[str, Any]:
    found = [value for row in panel.values for value in row.values() if value is not None]
    low, high = panel.ends or (min(found, default=0.0), max(found, default=1.0))
    room = 0.08 * (high - low) or 0.05
    return {
        "anchor": "y",
        "domain": domain,
        "range": (low - room, high + room),
        "title_text": panel.title,
        "nticks": max(2, round(8 * panel.width)),
        "tickangle": 0,
        "fixedrange": True,
        "automargin": False,
    }


def _marks(
    panel: Panel, x: str, names: Sequence[str], models: Sequence[str], *, first: bool
) -> Iterator[dict[str, Any]]:
    """The lines from the first model to the last, then each model's markers."""
    colours, symbols = model_colours(models), model_symbols(models)
    found = [[row[model] for model in models if row.get(model) is not None] for row in panel.values]
    ends = [(place, values) for place, values in enumerate(found) if values]
    yield {
        "type": "scatter",
        "mode": "lines",
        "xaxis": x,
        "x": [end for _, values in ends for end in (values[0], values[-1], None)],
        "y": [end for place, _ in ends for end in (place, place, None)],
        "line": {"color": GREY, "width": 1.5},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    for model in models:
        rows = [
            (place, row[model])
            for place, row in enumerate(panel.values)
            if row.get(model) is not None
        ]
        name = plotly_text(model)
        yield {
            "type": "scatter",
            "mode": "markers",
            "xaxis": x,
            "name": name,
            "legendgroup": model,
            "showlegend": first,
            "x": [value for _, value in rows],
            "y": [place for place, _ in rows],
            "marker": {"size": 10, "color": colours[model], "symbol": symbols[model]},
            "hovertext": [plotly_text(names[place]) for place, _ in rows],
            "hovertemplate": f"%{{hovertext}}, {name}<br>{panel.title} %{{x:.3f}}<extra></extra>",
        }
