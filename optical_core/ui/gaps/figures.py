"""Pictures of the gaps page: resources, and what predicts how well a language is served."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from optical_core.analysis.predictors import PREDICTORS
from optical_core.data.languages import language
from optical_core.data.resources import CC100_GIB
from optical_core.escaping import plotly_text
from optical_core.figures.labels import label_places, marker_labels
from optical_core.figures.levels import NAMES, legend
from optical_core.figures.theme import figure, model_colours, model_symbols, note
from optical_core.wording import counted

_SIZES = (-0.75, 2.65)
"""Range of the axis of sizes in CC-100, log10 of GiB."""
_DODGE = 0.7
"""Width that the models of one script share; two scripts are 1 apart."""


def resource_scatter(table: pd.DataFrame, measure: str, *, dark: bool) -> go.Figure:
    """Draw the size of CC-100 (log) against the measure, with one line per model."""
    known = table[table["language"].isin(CC100_GIB)] if not table.empty else table
    if known.empty:
        return note("No chosen language is in CC-100.", dark=dark)
    known = known.assign(size=known["language"].map(CC100_GIB)).sort_values("size", kind="stable")
    models = list(dict.fromkeys(table["model"]))
    colours, symbols = model_colours(models), model_symbols(models)
    points = _shares(known["size"], known[measure])
    traces = []
    for model in models:
        mask = known["model"] == model
        rows = known[mask]
        places: list[str | None] = [None] * len(rows)
        if model == models[-1]:
            places = label_places(list(compress(points, mask)), list(compress(points, ~mask)))
        traces.append(
            {
                "type": "scatter",
                "x": rows["size"],
                "y": rows[measure],
                "mode": "lines+markers+text",
                "name": plotly_text(model),
                "line": {"color": colours[model], "width": 1, "dash": "dot"},
                "marker": {"color": colours[model], "symbol": symbols[model], "size": 10},
                "text": marker_labels(rows["language"], places),
                "textposition": [place or "top center" for place in places],
                "textfont": {"size": 12},
                "customdata": [language(code).name for code in rows["language"]],
                "hovertemplate": "%{customdata}, %{fullData.name}: %{y:.4f}<br>%{x} GiB"
                "<extra></extra>",
            }
        )
    return figure(
        traces,
        dark=dark,
        height=380,
        legend=legend(),
        x={
            "type": "log",
            "title_text": "text in CC-100, GiB (log scale)",
            "tickvals": [0.1, 0.3, 1, 3, 10, 30, 100, 300],
            "range": _SIZES,
        },
        y={"title_text": NAMES.get(measure, measure)},
    )


def _shares(sizes: pd.Series, values: pd.Series) -> list[tuple[float, float]]:
    """Positions of markers, as shares of the panel's width and height."""
    across = (np.log10(sizes) - _SIZES[0]) / (_SIZES[1] - _SIZES[0])
    low, high = values.min(), values.max()
    return list(zip(across, 0.06 + 0.88 * (values - low) / (high - low or 1), strict=True))


def predictor_panels(
    values: pd.DataFrame, correlations: pd.DataFrame, measure: str, *, dark: bool
) -> dict[str, go.Figure]:
    """Draw each predictor against the measure, with one marker per model and language.

    Args:
        values: The table of `language_values`.
        correlations: The table of `correlation_table`, for the hover text.

    Returns:
        Predictor -> figure; empty if no predictor varies.
    """
    names = [] if values.empty else [n for n in PREDICTORS if n in values and _varies(values[n])]
    # All panels have the same range of heights.
    room = 0.12 * (values["value"].max() - values["value"].min() or 1) if names else 0
    heights = (values["value"].min() - room, values["value"].max() + room) if names else (0, 1)
    panels = {}
    for name in names:
        ticks = {"tickvals": [0, 1], "ticktext": ["no", "yes"]} if name == "latin" else {}
        panels[name] = figure(
            _model_traces(values, name, correlations, heights),
            dark=dark,
            height=360,
            legend=legend(),
            x={"title_text": PREDICTORS[name], "range": _width(values, name), **ticks},
            y={"title_text": NAMES.get(measure, measure), "range": heights},
        )
    return panels


def _varies(column: pd.Series) -> bool:
    return column.nunique() > 1


def _model_traces(
    values: pd.DataFrame, name: str, correlations: pd.DataFrame, heights: tuple[float, float]
) -> Iterator[dict[str, Any]]:
    """The markers of each model. The last model is drawn on top and has the labels."""
    models = list(dict.fromkeys(values["model"]))
    colours, symbols = model_colours(models), model_symbols(models)
    correlation = {
        row["model"]: f"Spearman {row['spearman']:+.2f} over "
        f"{counted(row['languages'], 'language')}"
        for row in correlations.to_dict("records")
        if row["predictor"] == name
    }
    low, high = _width(values, name)
    known = values.dropna(subset=[name])
    drawn = list(known["model"].unique())
    x = known[name] + [
        _dodge(drawn.index(model), len(drawn)) if name == "latin" else 0.0
        for model in known["model"]
    ]
    across = (x - low) / (high - low)
    up = (known["value"] - heights[0]) / (heights[1] - heights[0])
    points = list(zip(across, up, strict=True))
    for model in drawn:
        mask = known["model"] == model
        rows = known[mask]
        places: list[str | None] = [None] * len(rows)
        if model == drawn[-1]:
            places = label_places(list(compress(points, mask)), list(compress(points, ~mask)))
        yield {
            "type": "scatter",
            "x": x[mask],
            "y": rows["value"],
            "mode": "markers+text",
            "name": plotly_text(model),
            "marker": {"color": colours[model], "symbol": symbols[model], "size": 10},
            "text": marker_labels(rows["language"], places),
            "textposition": [place or "top center" for place in places],
            "textfont": {"size": 12},
            "customdata": [
                [language(code).name, _predictor_text(name, value)]
                for code, value in zip(rows["language"], rows[name], strict=True)
            ],
            "hovertemplate": "%{customdata[0]}, %{fullData.name}: %{y:.4f}<br>%{customdata[1]}<br>"
            f"{correlation.get(model, '')}<extra></extra>",
        }


def _width(values: pd.DataFrame, name: str) -> tuple[float, float]:
    """Range of a predictor's axis, with room for the markers at its ends."""
    low, high = values[name].min(), values[name].max()
    room = 0.5 if name == "latin" else 0.06 * (high - low)
    return low - room, high + room


def _dodge(index: int, count: int) -> float:
    """How far a model's markers are moved aside, to cover no other model of the same script."""
    return _DODGE / count * (index - (count - 1) / 2)


def _predictor_text(name: str, value: float) -> str:
    """A predictor's value as hover text."""
    text = ("yes" if value else "no") if name == "latin" else f"{value:.3g}"
    return f"{PREDICTORS[name]}: {text}"
