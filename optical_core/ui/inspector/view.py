"""Tables of a collection's queries, and correlations between languages over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from optical_core.analysis.measurements import Comparison, Measurements
from optical_core.data.languages import is_english
from optical_core.ui.library import Library

WAYS = ("difference", "level")
"""What the table of queries shows."""
SHOWN = 5
"""Passages shown of each ranking."""


def first_model(library: Library, results: Measurements) -> str:
    """The model at first: a student of the evaluation, or one that is known here."""
    names = results.models
    known = [*results.students, *library.model_names()]
    return next((n for n in known if n in names and n != "embedded"), names[-1])


def languages_of(results: Measurements, comparison: Comparison, query: str) -> list[str]:
    """The compared languages in which a query is measured."""
    samples = results.samples(comparison)
    return [
        code
        for code in comparison.languages
        if any(query in languages.get(code, ()) for languages in samples.values())
    ]


def query_table(
    measurements: Measurements,
    comparison: Comparison,
    texts: Mapping[str, str],
    *,
    difference: bool,
) -> pd.DataFrame:
    """One row per query: its text, the first model's measure in every language, and their mean.

    With `difference`, the values are differences from the baseline. The table has the queries of
    all languages; a query that a language lacks is NaN there.
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


def shown_texts(texts: Mapping[str, Mapping[str, str]], codes: Sequence[str]) -> dict[str, str]:
    """One text a query: English if possible, else the first of the languages that has it.

    Args:
        texts: Language -> query -> text.
    """
    shown: dict[str, str] = {}
    for code in sorted(texts, key=lambda c: (not is_english(c), c not in codes), reverse=True):
        shown |= texts[code]
    return shown


def extremes(table: pd.DataFrame, count: int = 5) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The queries with the largest gains and losses, by the mean of a difference table."""
    ranked = table[["text", "mean"]].sort_values("mean", ascending=False)
    winners = ranked[ranked["mean"] > 0].head(count)
    losers = ranked[ranked["mean"] < 0].tail(count)[::-1]
    return winners, losers


def mean_correlation(table: pd.DataFrame, languages: Sequence[str]) -> float | None:
    """Mean of the correlations above the diagonal; None if there are none."""
    _, matrix = correlations(table, languages)
    if matrix is None:
        return None
    return float(matrix[np.triu_indices(len(matrix), 1)].mean())


def correlations(
    table: pd.DataFrame, languages: Sequence[str]
) -> tuple[list[str], np.ndarray | None]:
    """The languages whose values vary, and their Spearman matrix over the queries of all of them.

    The matrix is None for fewer than two such languages or three such queries.
    """
    varying = [code for code in languages if table[code].nunique() > 1]
    complete = table[varying].dropna()
    if len(varying) < 2 or len(complete) < 3:
        return varying, None
    return varying, complete.corr(method="spearman").to_numpy()
