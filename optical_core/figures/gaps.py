"""The gap picture: every language before and after, in bands of high and low resource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from optical_core.analysis.measurements import Comparison
from optical_core.analysis.significance import stars
from optical_core.escaping import plotly_text
from optical_core.figures.gap_rows import Row, Values, gap_ranges, gap_values
from optical_core.figures.levels import NAMES, legend
from optical_core.figures.theme import (
    MARGIN,
    axis,
    faint,
    figure,
    ground,
    ink,
    model_colours,
    note,
    tint,
)

_ROW, _LANE = 22, 11
"""Height of a row in pixels, and what each model adds."""
_LEVELS, _CHANGES = (0.0, 0.60), (0.65, 1.0)
"""Shares of the width: levels on the left, differences on the right."""


def gap_picture(
    measures: pd.DataFrame,
    comparisons: pd.DataFrame,
    groups: pd.DataFrame,
    comparison: Comparison,
    *,
    dark: bool,
    chosen: str | None = None,
) -> go.Figure:
    """Draw an arrow from the baseline to each model in every language, and beside it the change.

    The languages stand in bands of high and low resource, each under its mean, the best-served
    first. Both panels have the same rows. A click anywhere in a row selects it (customdata: code,
    model; the code of a mean is the group's name).

    Args:
        measures: A `measure_table`, with the columns `<measure>_low` and `<measure>_high`.
        comparisons: A `comparison_table`, with either correction.
        groups: A `group_table` with the same correction; empty for no rows of means.
        comparison: What the tables are about.
        chosen: The code of a row to mark.
    """
    if measures.empty:
        return note("Nothing to show: choose a model and a language.", dark=dark)
    values = gap_values(measures, comparisons, groups, comparison)
    levels, changes = gap_ranges(values)
    colours = model_colours(comparison.models)
    traces = [
        _click(values, levels, "x", chosen, dark=dark),
        *([_click(values, changes, "x2", chosen, dark=dark)] if values.models else []),
        *_intervals(values, colours),
        *_befores(values, colours, dark=dark),
    ]
    for model in values.models:
        traces += _arrows(values, model, colours[model])
    depth = max(row.place for row in values.rows) + 0.6
    named = NAMES.get(comparison.measure, comparison.measure)
    zero = {"type": "line", "xref": "x2", "yref": "y", "x0": 0, "x1": 0, "y0": -0.6, "y1": depth}
    height = _ROW + _LANE * max(len(values.models), 1)
    return figure(
        traces,
        dark=dark,
        height=round(height * (depth + 0.6)) + 96,
        margin=MARGIN | {"l": 14 + 8 * max(len(row.label) for row in values.rows), "b": 48},
        legend=legend(),
        barmode="overlay",
        bargap=0,
        hovermode="closest",
        dragmode=False,
        x={
            "title_text": named,
            "domain": _LEVELS if values.models else (0, 1),
            "range": levels,
            "automargin": False,
        },
        **({"xaxis2": axis(dark) | _right(changes)} if values.models else {}),
        y=_names(values, depth),
        shapes=[
            *_bands(values, dark=dark),
            *([zero | {"line": {"color": ink(dark), "width": 1}}] if values.models else []),
        ],
    )


def _names(values: Values, depth: float) -> dict[str, Any]:
    """Settings of the axis of languages."""
    return {
        "automargin": False,
        "showgrid": False,
        "tickmode": "array",
        "tickvals": [row.place for row in values.rows],
        "ticktext": [f"<b>{row.label}</b>" if row.mean else row.label for row in values.rows],
        "range": [depth, -0.6],
        "fixedrange": True,
    }


def _right(ends: tuple[float, float]) -> dict[str, Any]:
    """Settings of the differences' axis."""
    return {
        "anchor": "y",
        "domain": _CHANGES,
        "range": ends,
        "title_text": "difference",
        "nticks": 4,
        "tickangle": 0,
        "automargin": False,
    }


def _click(
    values: Values, ends: tuple[float, float], panel: str, chosen: str | None, *, dark: bool
) -> dict[str, Any]:
    """One bar a row, over the whole panel: a click or a pointer anywhere in the row meets it."""
    seen, clear = faint(dark), "rgba(0,0,0,0)"
    opacity = {"marker": {"opacity": 1}}
    return {
        "type": "bar",
        "orientation": "h",
        "xaxis": panel,
        "base": [ends[0]] * len(values.rows),
        "x": [ends[1] - ends[0]] * len(values.rows),
        "y": [row.place for row in values.rows],
        "width": [1] * len(values.rows),
        "marker": {
            "color": [seen if row.key == chosen else clear for row in values.rows],
            "line": {"color": tint(dark), "width": 1},
        },
        "selected": opacity,
        "unselected": opacity,
        "customdata": [[row.key, ""] for row in values.rows],
        "hovertext": [values.told(row) for row in values.rows],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "showlegend": False,
    }


def _intervals(values: Values, colours: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The intervals: of levels below the arrows, of the baseline above, of differences."""
    common = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "showlegend": False}
    parts: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for row in values.rows:
        for model in (values.baseline, *values.models):
            before = model == values.baseline
            lane = values.lane(row, values.models[0] if before and values.models else model)
            y = lane - values.apart if before else lane + values.apart
            if ends := values.interval.get((model, row.key)):
                parts.setdefault((model, "x"), []).append((*ends, y))
            if found := values.change.get((model, row.key)):
                parts.setdefault((model, "x2"), []).append((*found[1:3], lane))
    for (model, panel), lines in parts.items():
        yield common | {
            "xaxis": panel,
            **_apart(lines),
            "line": {"color": colours[model], "width": 1.5 if panel == "x2" else 1},
            "opacity": 1 if panel == "x2" else 0.6,
            "legendgroup": model,
        }


def _befores(values: Values, colours: Mapping[str, str], *, dark: bool) -> Iterator[dict[str, Any]]:
    """The baseline: a hollow circle where each arrow begins."""
    base = values.baseline
    places = [
        (values.level[base, row.key], values.lane(row, model), row)
        for row in values.rows
        if (base, row.key) in values.level
        for model in values.models or (base,)
    ]
    if places:
        yield {
            "type": "scatter",
            "mode": "markers",
            "name": plotly_text(base),
            "legendgroup": base,
            "x": [x for x, _, _ in places],
            "y": [y for _, y, _ in places],
            "marker": {
                "symbol": "circle",
                "size": 8,
                "color": ground(dark),
                "line": {"color": colours[base], "width": 2},
            },
            **_clickable(values, [(row, base) for *_, row in places]),
        }


def _arrows(values: Values, model: str, colour: str) -> Iterator[dict[str, Any]]:
    """One model: its arrows on the left; on the right its differences, and stars beside them."""
    base, rows = values.baseline, values.rows
    common = {"type": "scatter", "legendgroup": model, "showlegend": False}
    shafts = [
        (values.level[base, row.key], values.level[model, row.key], values.lane(row, model))
        for row in rows
        if (model, row.key) in values.level and (base, row.key) in values.level
    ]
    yield common | {
        "mode": "lines",
        **_apart(shafts),
        "line": {"color": colour, "width": 3},
        "hoverinfo": "skip",
    }
    heads = [row for row in rows if (model, row.key) in values.level]
    rises = [
        values.level[model, row.key] >= values.level.get((base, row.key), 0.0) for row in heads
    ]
    yield common | {
        "mode": "markers",
        "name": plotly_text(model),
        "showlegend": True,
        "x": [values.level[model, row.key] for row in heads],
        "y": [values.lane(row, model) for row in heads],
        "marker": {
            "symbol": [f"triangle-{'right' if up else 'left'}" for up in rises],
            "size": 11,
            "color": colour,
        },
        **_clickable(values, [(row, model) for row in heads]),
    }
    found = [
        (row, values.change[model, row.key]) for row in rows if (model, row.key) in values.change
    ]
    yield common | {
        "mode": "markers",
        "xaxis": "x2",
        "x": [change[0] for _, change in found],
        "y": [values.lane(row, model) for row, _ in found],
        "marker": {
            "symbol": [f"circle{'' if change[3] < 0.05 else '-open'}" for _, change in found],
            "size": 8,
            "color": colour,
            "line": {"width": 1.5, "color": colour},
        },
        **_clickable(values, [(row, model) for row, _ in found]),
    }
    yield common | {
        "mode": "text",
        "xaxis": "x2",
        "x": [change[2] for _, change in found],
        "y": [values.lane(row, model) for row, _ in found],
        "text": [stars(change[3]) for _, change in found],
        "textposition": "middle right",
        "textfont": {"size": 13, "color": colour},
        "hoverinfo": "skip",
    }


def _apart(lines: Sequence[tuple[float, float, float]]) -> dict[str, list[float | None]]:
    """Places of level lines (from, to, height) that aren't joined."""
    return {
        "x": [x for start, end, _ in lines for x in (start, end, None)],
        "y": [y for *_, height in lines for y in (height, height, None)],
    }


def _clickable(values: Values, points: Sequence[tuple[Row, str]]) -> dict[str, Any]:
    """Settings of markers that are clicked: none of the others fades."""
    opacity = {"marker": {"opacity": 1}}
    return {
        "customdata": [[row.key, model] for row, model in points],
        "hovertext": [values.told(row) for row, _ in points],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "selected": opacity,
        "unselected": opacity,
    }


def _bands(values: Values, *, dark: bool) -> Iterator[dict[str, Any]]:
    """The ground of each mean's row, and a line above each band."""
    for row in values.rows:
        if row.mean:
            yield {
                "type": "rect",
                "layer": "below",
                "xref": "paper",
                "yref": "y",
                "x0": 0,
                "x1": 1,
                "y0": row.place - 0.5,
                "y1": row.place + 0.5,
                "fillcolor": tint(dark),
                "line": {"width": 0},
            }
