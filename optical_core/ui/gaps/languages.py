"""Languages of the passages that models found: how fair a ranking is to them."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go

from optical_core.analysis.measurements import Measurements
from optical_core.analysis.tables import Tables
from optical_core.data.languages import find_language
from optical_core.errors import InputError
from optical_core.escaping import plotly_text
from optical_core.figures.levels import legend
from optical_core.figures.theme import GREY, figure, model_colours, model_symbols, note


def fairness_rows(measurements: Measurements, models: tuple[str, ...]) -> pd.DataFrame:
    """The fairness of the chosen models, a row a model and query language."""
    table = measurements.fairness
    return table if table.empty else table[table["model"].isin(models)]


def measured_pairs(measurements: Measurements, models: tuple[str, ...]) -> dict[str, list[str]]:
    """Model -> query languages in which its results' languages were counted."""
    table = measurements.shares
    if table.empty:
        return {}
    rows = table[table["model"].isin(models)]
    return {m: list(of_one["language"].unique()) for m, of_one in rows.groupby("model", sort=False)}


def ranked_pair(tables: Tables, one: Callable[[str, list[str], str], str]) -> tuple[str, str]:
    """The chosen model and query language whose results' languages are shown.

    Args:
        tables: of the comparison.
        one: chooses a parameter's value, of its name, the options and the usual one.

    Raises:
        InputError: no ranking was counted.
    """
    pairs = measured_pairs(tables.measurements, tables.comparison.models)
    if not pairs:
        raise InputError("details: the passages of this evaluation don't say several languages")
    model = one("ranked", list(pairs), list(pairs)[-1])
    return model, one("asked", pairs[model], pairs[model][0])


def shares_title(model: str, code: str) -> str:
    """The title of a picture of shares."""
    return f"Languages of the first passages: {model}, queries in {_name(code)}"


def share_lines(shares: pd.DataFrame, model: str, code: str, *, dark: bool) -> go.Figure:
    """Draw each language's share of the first passages, and of the collection (dotted).

    Args:
        shares: a `share_table`.
        model: whose rankings.
        code: of the queries' language.
    """
    rows = shares[(shares["model"] == model) & (shares["language"] == code)]
    if rows.empty:
        return note("No ranking of this model and language was counted.", dark=dark)
    codes = list(dict.fromkeys(rows["passages"]))
    colours, symbols = model_colours(codes), model_symbols(codes)
    ranks = sorted(set(rows["first"]))
    traces = []
    for other in codes:
        found = rows[rows["passages"] == other].sort_values("first")
        traces.append(
            {
                "type": "scatter",
                "x": found["first"],
                "y": found["share"],
                "mode": "lines+markers",
                "name": plotly_text(_name(other)),
                "line": {"color": colours[other], "width": 2},
                "marker": {"color": colours[other], "symbol": symbols[other], "size": 9},
                "hovertemplate": "%{fullData.name}: %{y:.1%} of the first %{x}<extra></extra>",
            }
        )
    ends = [min(ranks), max(ranks)]
    for share in sorted(set(rows["collection"].round(4))):
        traces.append(
            {
                "type": "scatter",
                "x": ends,
                "y": [share, share],
                "mode": "lines",
                "showlegend": False,
                "line": {"color": GREY, "width": 1, "dash": "dot"},
                "hovertemplate": "%{y:.1%} of the collection<extra></extra>",
            }
        )
    return figure(
        traces,
        dark=dark,
        height=360,
        legend=legend(),
        x={
            "type": "log",
            "title_text": "first passages (log scale)",
            "tickvals": ranks,
            "ticktext": [str(rank) for rank in ranks],
        },
        y={"title_text": "share of the passages", "rangemode": "tozero", "tickformat": ".0%"},
    )


def _name(code: str) -> str:
    known = find_language(code)
    return known.name if known else code
