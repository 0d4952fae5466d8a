"""The queries behind a gap: each with both models' values, its change and its difficulty."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from optical_core.analysis.measurements import Comparison, Measurements
from optical_core.analysis.tables import Tables
from optical_core.data.languages import is_english, language
from optical_core.ui.library import Library

DIFFICULTIES = ("hard", "middling", "easy")
"""Thirds of the queries, by their mean over all compared models and languages."""
CHANGES = ("gain", "loss", "same")
SMALLEST = 0.0005
"""A smaller difference counts as none."""
MOST_CHOICES = 100
"""Queries that are offered one by one."""
COLUMNS = ("query", "language", "before", "after", "difference", "change")


def query_points(measurements: Measurements, comparison: Comparison, model: str) -> pd.DataFrame:
    """List the queries that the baseline and a model have, the most changed first.

    Returns:
        A row a language and query: the columns `COLUMNS` and `difficulty`.
    """
    samples = measurements.samples(comparison)
    rows = []
    for code, before in samples.get(comparison.baseline, {}).items():
        after = samples.get(model, {}).get(code)
        if after is None:
            continue
        values = after.to_dict()
        for query, value in before.items():
            if query in values:
                difference = values[query] - value
                rows.append((query, code, value, values[query], difference, _change(difference)))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["difficulty"] = _difficulty(table, measurements, comparison)
    order = table["difference"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def points_of(library: Library, tables: Tables, model: str) -> pd.DataFrame:
    """The `query_points` of a comparison and one of its models, kept in the library."""
    measurements, comparison = tables.measurements, tables.comparison
    return library.keep(
        "query points",
        lambda: query_points(measurements, comparison, model),
        key=(measurements, comparison, model),
    )


def chosen_points(
    table: pd.DataFrame,
    *,
    languages: tuple[str, ...] = (),
    changes: tuple[str, ...] = (),
    difficulties: tuple[str, ...] = (),
) -> pd.DataFrame:
    """Keep the rows with one of the values of each filter; an empty filter keeps all."""
    for column, kept in (
        ("language", languages),
        ("change", changes),
        ("difficulty", difficulties),
    ):
        if kept:
            table = table[table[column].isin(kept)]
    return table


def with_texts(table: pd.DataFrame, texts: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Add the queries' texts, and their English: the columns `text` and `english`.

    Args:
        texts: Language -> query -> text. What is missing is empty.
    """
    english = next((texts[code] for code in texts if is_english(code)), {})
    own, translated = [], []
    for code, query in zip(table["language"], table["query"], strict=True):
        own.append(texts.get(code, {}).get(query, ""))
        translated.append("" if is_english(code) else english.get(query, ""))
    return table.assign(text=own, english=translated)


def query_choices(points: pd.DataFrame) -> list[tuple[list[str], str]]:
    """The first `MOST_CHOICES` queries in words: ([query, language], text).

    Args:
        points: `with_texts`.
    """
    choices = []
    for point in points.head(MOST_CHOICES).to_dict("records"):
        named = f"{language(point['language']).name}, {point['query']}"
        values = f"{point['before']:.3f} → {point['after']:.3f} ({point['difference']:+.3f})"
        told = " · ".join(filter(None, (named, point["text"], point["english"], values)))
        choices.append(([point["query"], point["language"]], told))
    return choices


def _change(difference: float) -> str:
    if abs(difference) < SMALLEST:
        return "same"
    return "gain" if difference > 0 else "loss"


def _difficulty(
    table: pd.DataFrame, measurements: Measurements, comparison: Comparison
) -> pd.Series:
    """The third of the queries that each row's query is in, by its mean over models and languages.

    Over all models: by the baseline's value alone, hard queries would gain by chance.
    """
    rows = measurements.table
    rows = rows[
        (rows["measure"] == comparison.measure)
        & rows["model"].isin(comparison.models)
        & rows["language"].isin(comparison.languages)
    ]
    keys = ["query"] if measurements.parallel else ["language", "query"]
    ranks = rows.groupby(keys, sort=False)["value"].mean().rank(method="first", pct=True)
    shares = table[keys].merge(ranks.rename("share").reset_index(), on=keys, how="left")["share"]
    return pd.cut(shares, [0, 1 / 3, 2 / 3, 1], labels=list(DIFFICULTIES)).astype(str)
