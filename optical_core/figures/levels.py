"""Pictures of measurements by language, for the gaps page and a study's report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from optical_core.analysis.export import number_text
from optical_core.analysis.significance import CORRECTIONS
from optical_core.data.languages import language
from optical_core.escaping import plotly_text
from optical_core.figures.theme import MARGIN, figure, ink, model_colours, model_symbols, note
from optical_core.wording import counted

NAMES = {
    "AP": "MAP",
    "AP@100": "MAP (depth 100)",
    "AP@10": "MAP (depth 10)",
    "nDCG@10": "nDCG@10",
    "R@100": "Recall@100",
    "P@10": "P@10",
    "RR": "MRR",
}
"""Measure -> its name in figures and on pages."""
_ROW = 34


def level_dots(table: pd.DataFrame, measure: str, *, dark: bool) -> go.Figure:
    """Draw one row per language and one marker per model, with its 95 % interval.

    The languages in which models differ most are at the top.

    Args:
        table: A `measure_table`, with the columns `<measure>_low` and `<measure>_high`.
    """
    if table.empty:
        return note("Nothing to show: choose a model and a language.", dark=dark)
    wide = table.pivot(index="language", columns="model", values=measure)
    spread = (wide.max(axis=1) - wide.min(axis=1)).sort_values(kind="stable")
    order = list(spread.index)
    models = list(dict.fromkeys(table["model"]))
    colours, symbols = model_colours(models), model_symbols(models)
    traces = []
    shift = 0.22 / max(len(models), 1)
    for index, model in enumerate(models):
        rows = table[table["model"] == model].set_index("language")
        rows = rows.loc[[code for code in order if code in rows.index]]
        values, low, high = (rows[measure + end] for end in ("", "_low", "_high"))
        traces.append(
            {
                "type": "scatter",
                "x": values,
                "y": [order.index(c) + shift * (index - (len(models) - 1) / 2) for c in rows.index],
                "mode": "markers",
                "name": plotly_text(model),
                "marker": {"color": colours[model], "symbol": symbols[model], "size": 11},
                "error_x": _interval(values, low, high, colours[model]),
                "customdata": [
                    [language(code).name, _topics(count)] for code, count in rows["topics"].items()
                ],
                "hovertemplate": "%{customdata[0]}, %{fullData.name}: %{x:.4f}"
                "<br>%{customdata[1]}<extra></extra>",
            }
        )
    return _language_rows(traces, order, NAMES.get(measure, measure), dark=dark)


def differences(table: pd.DataFrame, measure: str, *, dark: bool) -> go.Figure:
    """Draw paired differences from the baseline with 95 % intervals. Hollow: not significant.

    Args:
        table: A `comparison_table`, with either correction.
    """
    if table.empty:
        return note("Choose a second model to compare with the baseline.", dark=dark)
    correction = next(name for name in CORRECTIONS if f"p_{name}" in table)
    order = list(table.groupby("language", sort=False)["difference"].mean().sort_values().index)
    models = list(dict.fromkeys(table["model"]))
    drawn = [*table["baseline"].unique(), *models]
    colours, symbols = model_colours(drawn), model_symbols(drawn)
    traces: list[dict[str, Any]] = []
    shift = 0.5 / max(len(models), 1)
    for index, model in enumerate(models):
        rows = table[table["model"] == model]
        # The legend shows a trace's first marker, which may be hollow. So it gets its own trace.
        common = {
            "type": "scatter",
            "mode": "markers",
            "name": plotly_text(model),
            "legendgroup": model,
        }
        marker = {"size": 11, "color": colours[model]}
        traces.append(
            common | {"x": [None], "y": [None], "marker": marker | {"symbol": symbols[model]}}
        )
        at = [order.index(c) + shift * (index - (len(models) - 1) / 2) for c in rows["language"]]
        traces.append(
            common
            | {
                "x": rows["difference"],
                "y": at,
                "showlegend": False,
                "marker": marker
                | {
                    "symbol": [
                        symbols[model] + ("" if solid else "-open") for solid in rows["significant"]
                    ],
                    "line": {"width": 1.5, "color": colours[model]},
                },
                "error_x": _interval(rows["difference"], rows["low"], rows["high"], colours[model]),
                "customdata": [
                    [language(code).name, _p(p), _topics(topics)]
                    for code, p, topics in zip(
                        rows["language"], rows[f"p_{correction}"], rows["topics"], strict=True
                    )
                ],
                "hovertemplate": "%{customdata[0]}, %{fullData.name}: %{x:+.4f}"
                "<br>p %{customdata[1]}"
                f" ({CORRECTIONS[correction]}), %{{customdata[2]}}<extra></extra>",
            }
        )
    title = f"difference in {NAMES.get(measure, measure)}"
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "xref": "x", "yref": "y domain"}
    line = {"color": ink(dark), "width": 1}
    return _language_rows(traces, order, title, dark=dark, shapes=[zero | {"line": line}])


def legend() -> dict[str, object]:
    """Settings of a legend above the panel, at its left edge."""
    return {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0}


def _topics(count: int) -> str:
    return counted(int(count), "topic")


def _p(value: float) -> str:
    text = number_text("p", value)
    return text if text.startswith("<") else f"= {text}"


def _interval(values: pd.Series, low: pd.Series, high: pd.Series, colour: str) -> dict[str, object]:
    """Error bars from `low` to `high`."""
    return {
        "type": "data",
        "array": high - values,
        "arrayminus": values - low,
        "color": colour,
        "thickness": 1,
        "width": 0,
    }


def _language_rows(
    traces: Sequence[Mapping[str, Any]],
    order: Sequence[str],
    title: str,
    *,
    dark: bool,
    **settings: Any,
) -> go.Figure:
    """Make a figure with one row per language. `title` is the title of the x axis."""
    names = [language(code).name for code in order]
    return figure(
        traces,
        dark=dark,
        height=_ROW * len(order) + 110,
        legend=legend(),
        # Margins by hand: measuring the labels would take a third of the time to draw.
        margin=MARGIN | {"l": 16 + 8 * max(map(len, names)), "b": 52},
        x={"title_text": title, "automargin": False},
        y={
            "automargin": False,
            "tickmode": "array",
            "tickvals": list(range(len(order))),
            "ticktext": names,
            "range": [-0.7, len(order) - 0.3],
            # Grid lines guide the eye along the rows. They stay when a model is hidden.
            "showgrid": True,
        },
        **settings,
    )
