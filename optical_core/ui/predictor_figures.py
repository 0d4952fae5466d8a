"""Pictures of what predicts how well a language is served."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from optical_core.analysis.predictors import PREDICTORS
from optical_core.data.languages import language
from optical_core.ui.escaping import plotly_text
from optical_core.ui.gap_figures import NAMES
from optical_core.ui.theme import layout, model_colours, model_symbols
from optical_core.wording import counted

_LABEL = (0.11, 0.09)
"""Room of a language's code, as shares of a panel's width and height."""
_PLACES = {
    "top center": (0.0, 0.08),
    "bottom center": (0.0, -0.08),
    "middle right": (0.09, 0.0),
    "middle left": (-0.09, 0.0),
}
"""Where a label may be, and its middle's distance from the marker's."""


def predictor_panels(
    values: pd.DataFrame, correlations: pd.DataFrame, measure: str, *, dark: bool
) -> dict[str, go.Figure]:
    """A picture a predictor: its value against the measure, a marker a model and language.

    values: of `language_values`; correlations: of `correlation_table`, for the hover text. Empty
    where no predictor varies.
    """
    shown = [] if values.empty else [n for n in PREDICTORS if n in values and _varies(values[n])]
    # The same height means the same in each.
    room = 0.12 * (values["value"].max() - values["value"].min() or 1) if shown else 0
    heights = (values["value"].min() - room, values["value"].max() + room) if shown else (0, 1)
    panels = {}
    for name in shown:
        figure = go.Figure()
        _add_models(figure, values, name, correlations, heights)
        layout(figure, dark=dark, height=360)
        figure.update_layout(legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0})
        figure.update_xaxes(title_text=PREDICTORS[name])
        if name == "latin":
            figure.update_xaxes(tickvals=[0, 1], ticktext=["no", "yes"], range=[-0.5, 1.5])
        figure.update_yaxes(title_text=NAMES.get(measure, measure), range=heights)
        panels[name] = figure
    return panels


def _varies(column: pd.Series) -> bool:
    return column.nunique() > 1


def _add_models(
    figure: go.Figure,
    values: pd.DataFrame,
    name: str,
    correlations: pd.DataFrame,
    heights: tuple[float, float],
) -> None:
    """Markers of each model; a language's label is on the last one's, which is drawn on top."""
    models = list(dict.fromkeys(values["model"]))
    colours, symbols = model_colours(models), model_symbols(models)
    found = {
        row["model"]: f"Spearman {row['spearman']:+.2f} over "
        f"{counted(row['languages'], 'language')}"
        for row in correlations.to_dict("records")
        if row["predictor"] == name
    }
    low, high = (-0.5, 1.5) if name == "latin" else (values[name].min(), values[name].max())
    known = values.dropna(subset=[name])
    for model in known["model"].unique():
        rows = known[known["model"] == model]
        points = [
            ((x - low) / (high - low), (y - heights[0]) / (heights[1] - heights[0]))
            for x, y in zip(rows[name], rows["value"], strict=True)
        ]
        places = label_places(points) if model == known["model"].iloc[-1] else [None] * len(rows)
        figure.add_scatter(
            x=rows[name],
            y=rows["value"],
            mode="markers+text",
            name=plotly_text(model),
            marker={"color": colours[model], "symbol": symbols[model], "size": 10},
            text=[
                code if place else "" for code, place in zip(rows["language"], places, strict=True)
            ],
            textposition=[place or "top center" for place in places],
            textfont={"size": 12},
            customdata=[language(code).name for code in rows["language"]],
            hovertemplate="%{customdata}, %{fullData.name}: %{y:.4f}<br>%{x:.3g}<br>"
            f"{found.get(model, '')}<extra></extra>",
        )


def label_places(points: Sequence[tuple[float, float]]) -> list[str | None]:
    """Where each point's label goes so that it covers no other; None where there is no room.

    points: (x, y) in shares of the panel. What has no label is told when the marker is pointed at.
    """
    width, height = _LABEL
    taken: list[tuple[float, float]] = []
    places: list[str | None] = []
    for x, y in points:
        others = [point for point in points if point != (x, y)]
        for place, (right, up) in _PLACES.items():
            middle = (x + right, y + up)
            free = all(
                abs(middle[0] - a) >= width or abs(middle[1] - b) >= height for a, b in taken
            ) and all(
                abs(middle[0] - a) >= 0.6 * width or abs(middle[1] - b) >= 0.6 * height
                for a, b in others
            )
            if free:
                taken.append(middle)
                places.append(place)
                break
        else:
            places.append(None)
    return places
