"""Tables of a collection's queries, one by one, and how languages go together over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from optical_core.analysis.measurements import Comparison, Measurements


def query_table(
    measurements: Measurements,
    comparison: Comparison,
    texts: Mapping[str, str],
    *,
    difference: bool,
) -> pd.DataFrame:
    """A row a query: its text, the first model's measure in every language, and their mean.

    With `difference` it is the difference to the baseline. Queries of any of the languages count;
    what a language lacks is NaN.
    """
    samples = measurements.samples(comparison)
    nothing = pd.Series(dtype=float)

    def of(model: str, code: str) -> pd.Series:
        return samples.get(model, {}).get(code, nothing)

    columns = {}
    for code in comparison.languages:
        columns[code] = of(comparison.models[0], code)
        if difference:
            columns[code] = columns[code] - of(comparison.baseline, code)
    table = pd.DataFrame(columns)
    table.insert(0, "text", [texts.get(query, "") for query in table.index])
    table["mean"] = table[list(comparison.languages)].mean(axis=1)
    table.index.name = "query"
    return table


def extremes(table: pd.DataFrame, count: int = 5) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The queries that gained and that lost most by the mean of a difference table."""
    ranked = table[["text", "mean"]].sort_values("mean", ascending=False)
    winners = ranked[ranked["mean"] > 0].head(count)
    losers = ranked[ranked["mean"] < 0].tail(count)[::-1]
    return winners, losers


def mean_correlation(table: pd.DataFrame, languages: Sequence[str]) -> float | None:
    """Mean of the correlations above the diagonal; None where there is none."""
    _, matrix = correlations(table, languages)
    if matrix is None:
        return None
    return float(matrix[np.triu_indices(len(matrix), 1)].mean())


def correlations(
    table: pd.DataFrame, languages: Sequence[str]
) -> tuple[list[str], np.ndarray | None]:
    """Languages that vary, and their Spearman matrix over the queries that all of them have."""
    kept = [code for code in languages if table[code].nunique() > 1]
    complete = table[kept].dropna()
    if len(kept) < 2 or len(complete) < 3:
        return kept, None
    return kept, complete.corr(method="spearman").to_numpy()
