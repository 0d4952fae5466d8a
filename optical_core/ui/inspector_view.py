"""Tables and pictures of a collection's queries, one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from optical_core.analysis.report import Results
from optical_core.data.languages import language
from optical_core.ui.theme import BLUE, ORANGE, layout, note, rgb, value_scale


def query_table(
    values: Results,
    *,
    model: str,
    baseline: str | None,
    languages: Sequence[str],
    measure: str,
    texts: Mapping[str, str],
) -> pd.DataFrame:
    """A row a query: its text, the measure in every language, and their mean.

    With a `baseline` the differences to it, without one the levels. Queries of any of the
    languages count; what a language lacks is NaN.
    """
    columns = {}
    for code in languages:
        ours = pd.Series(values[model].get(code, {}).get(measure, {}), dtype=float)
        if baseline is not None:
            ours = ours - pd.Series(
                values.get(baseline, {}).get(code, {}).get(measure, {}), dtype=float
            )
        columns[code] = ours
    table = pd.DataFrame(columns)
    table.insert(0, "text", [texts.get(query, "") for query in table.index])
    table["mean"] = table[list(languages)].mean(axis=1)
    table.index.name = "query"
    return table


def extremes(table: pd.DataFrame, count: int = 5) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The queries that gained and that lost most by the mean of a difference table."""
    ranked = table[["text", "mean"]].sort_values("mean", ascending=False)
    winners = ranked[ranked["mean"] > 0].head(count)
    losers = ranked[ranked["mean"] < 0].tail(count)[::-1]
    return winners, losers


def cell_style(value: object, *, difference: bool) -> str:
    """Background of a table's cell: depth of blue for levels, blue and orange for differences."""
    if not isinstance(value, int | float) or value != value:
        return ""
    if difference:
        colour = BLUE if value > 0 else ORANGE
        return f"background-color: rgba({rgb(colour)},{min(abs(value), 1) * 0.75:.2f})"
    return f"background-color: rgba({rgb(BLUE)},{min(max(value, 0), 1) * 0.6:.2f})"


def correlation_figure(table: pd.DataFrame, languages: Sequence[str], *, dark: bool) -> go.Figure:
    """Spearman correlation between languages over the same queries."""
    kept, matrix = _correlations(table, languages)
    if matrix is None:
        return note("Needs two languages with the same queries.", dark=dark)
    names = [language(code).name for code in kept]
    figure = go.Figure(
        go.Heatmap(
            z=np.round(matrix, 3),
            x=names,
            y=names,
            zmin=0,
            zmax=1,
            colorscale=value_scale(dark),
            # More numbers than this overlap on a telephone; they show on hovering then.
            texttemplate="%{z:.2f}" if len(kept) <= 7 else None,
            hovertemplate="%{x}, %{y}: %{z:.3f}<extra></extra>",
            colorbar={"thickness": 10},
            xgap=1,
            ygap=1,
        )
    )
    layout(figure, dark=dark, height=30 * len(kept) + 150)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False, tickangle=-45)
    return figure


def mean_correlation(table: pd.DataFrame, languages: Sequence[str]) -> float | None:
    """Mean of the correlations above the diagonal; None where there is none."""
    _, matrix = _correlations(table, languages)
    if matrix is None:
        return None
    return float(matrix[np.triu_indices(len(matrix), 1)].mean())


def _correlations(
    table: pd.DataFrame, languages: Sequence[str]
) -> tuple[list[str], np.ndarray | None]:
    """Languages that vary, and their Spearman matrix over the queries that all of them have."""
    kept = [code for code in languages if table[code].nunique() > 1]
    complete = table[kept].dropna()
    if len(kept) < 2 or len(complete) < 3:
        return kept, None
    return kept, complete.corr(method="spearman").to_numpy()
