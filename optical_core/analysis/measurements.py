"""Measured values as one long table, and a comparison of some of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from optical_core.analysis.measure_names import is_measure
from optical_core.data.collection import Collection
from optical_core.data.languages import HIGH_RESOURCE, LOW_RESOURCE, members

COLUMNS = ("model", "language", "query", "measure", "value")
Values = Mapping[str, Mapping[str, float]]
"""Measure -> query -> value, for one model in one language."""
PerQuery = Mapping[str, pd.Series]
"""Language -> values of one measure, or their differences, by query."""
Samples = dict[str, dict[str, pd.Series]]
"""Model -> language -> values by query, as in `PerQuery`."""


@dataclass(frozen=True, eq=False)
class Measurements:
    """The values of models on the queries of one collection.

    Attributes:
        table: a row a value, with the columns `COLUMNS`. Models, languages and a language's
            queries are in the order of their first rows.
        collection: the collection's name.
        parallel: whether the queries are the same information needs in every language.
        fingerprint: of the collection's files; measurements of different ones are never mixed.
        origin: model -> where its numbers come from, for people.
        study: name of the study that measured them, if any.
        students: arm of the study -> a student on this machine that was trained for it.
        texts: language -> query -> text, as far as they came with the values.
        depth: passages ranked for each query, on which measures without a cutoff depend; None if
            unknown.
        fairness: how fair the rankings are to the languages of passages, see `fairness_table`;
            empty if the passages are in one.
        shares: each language's share of the first passages, see `share_table`; empty likewise.

    Examples:
        >>> values = {("bm25", "so"): {"AP": {"q1": 0.5, "q2": 0.25}}}
        >>> measurements = Measurements(Measurements.rows(values), collection="demo")
        >>> measurements.models, measurements.columns["bm25", "so", "AP"].to_dict()
        (['bm25'], {'q1': 0.5, 'q2': 0.25})
    """

    table: pd.DataFrame
    collection: str = "unnamed"
    parallel: bool = False
    fingerprint: str | None = None
    origin: Mapping[str, str] = field(default_factory=dict)
    study: str | None = None
    students: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    depth: int | None = None
    fairness: pd.DataFrame = field(default_factory=pd.DataFrame)
    shares: pd.DataFrame = field(default_factory=pd.DataFrame)

    @classmethod
    def of(cls, collection: Collection, values: Mapping[tuple[str, str], Values]) -> Measurements:
        """Wrap values measured on a collection, by (model, language)."""
        parallel = collection.info.parallel
        return cls(cls.rows(values), collection.name, parallel, collection.fingerprint)

    @staticmethod
    def rows(values: Mapping[tuple[str, str], Values]) -> pd.DataFrame:
        """Build a `table` of values by (model, language).

        Examples:
            >>> Measurements.rows({("bm25", "so"): {"AP": {"q1": 0.5}}}).to_dict("records")
            [{'model': 'bm25', 'language': 'so', 'query': 'q1', 'measure': 'AP', 'value': 0.5}]
        """
        columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        for (model, code), measures in values.items():
            for measure, by_query in measures.items():
                columns["model"] += [model] * len(by_query)
                columns["language"] += [code] * len(by_query)
                columns["query"] += by_query
                columns["measure"] += [measure] * len(by_query)
                columns["value"] += by_query.values()
        return pd.DataFrame(columns).astype({"value": float})

    @property
    def models(self) -> list[str]:
        """Names in the order of the table."""
        return list(self.table["model"].unique())

    @property
    def languages(self) -> list[str]:
        """Codes in the order of the table."""
        return list(self.table["language"].unique())

    @cached_property
    def measures(self) -> tuple[str, ...]:
        """Names in the order of the table; columns that ir-measures doesn't know are left out."""
        return tuple(name for name in self.table["measure"].unique() if is_measure(name))

    def joined(self, other: Measurements) -> Measurements:
        """Join two tables; for a model and language in both, `other` replaces the values."""
        parts = {
            key: rows
            for table in (self.table, other.table)
            for key, rows in table.groupby(["model", "language"], sort=False)
        }
        order = list(dict.fromkeys([*self.models, *other.models]))
        keys = sorted(parts, key=lambda key: order.index(key[0]))
        table = pd.concat([parts[key] for key in keys], ignore_index=True)
        codes = dict.fromkeys([*self.texts, *other.texts])
        texts = {c: {**self.texts.get(c, {}), **other.texts.get(c, {})} for c in codes}
        origin = {**self.origin, **other.origin}
        depth = self.depth if self.depth == other.depth else None
        added = {
            "fairness": _replaced(self.fairness, other.fairness),
            "shares": _replaced(self.shares, other.shares),
        }
        return replace(self, table=table, origin=origin, texts=texts, depth=depth, **added)

    @cached_property
    def columns(self) -> dict[tuple[str, str, str], pd.Series]:
        """(model, language, measure) -> values by query; the table is grouped only once."""
        keys = ["model", "language", "measure"]
        return dict(iter(self.table.set_index("query").groupby(keys, sort=False)["value"]))

    def samples(self, comparison: Comparison) -> Samples:
        """Select the compared values, in the comparison's order; models without any are left out.

        Returns:
            Model -> language -> values of the measure by query.
        """
        columns, measure = self.columns, comparison.measure
        return _without_empty(
            {
                model: {
                    code: columns[model, code, measure]
                    for code in comparison.languages
                    if (model, code, measure) in columns
                }
                for model in comparison.models
            }
        )

    def differences(self, comparison: Comparison) -> Samples:
        """Subtract the baseline's values from each other model's, over the queries of both.

        Returns:
            Model -> language -> differences by query, sorted by query.
        """
        samples = self.samples(comparison)
        baseline = samples.pop(comparison.baseline, {})
        return _without_empty(
            {
                model: {
                    code: difference
                    for code, values in languages.items()
                    if code in baseline
                    and len(difference := (values - baseline[code]).dropna().sort_index())
                }
                for model, languages in samples.items()
            }
        )


def _replaced(table: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Both tables' rows; for a model and language in both, those of `other`."""
    if table.empty or other.empty:
        return other if table.empty else table
    keys = ["model", "language"]
    again = pd.MultiIndex.from_frame(table[keys]).isin(pd.MultiIndex.from_frame(other[keys]))
    return pd.concat([table[~again], other], ignore_index=True)


def _without_empty(samples: Samples) -> Samples:
    return {model: languages for model, languages in samples.items() if languages}


@dataclass(frozen=True)
class Comparison:
    """Which models are compared with which baseline, by which measure, in which languages.

    Attributes:
        models: in the order of the tables.
        languages: in the order of the tables.
        baseline: the model that the others are compared with.
        measure: one of the measurements' measures.
        high: the high-resource languages among them.
        low: the low-resource languages among them.

    Examples:
        >>> values = {("bm25", code): {"AP": {"q1": 0.5}} for code in ("de", "so", "sw")}
        >>> comparison = Comparison.of(Measurements(Measurements.rows(values)))
        >>> comparison.baseline, comparison.high, comparison.low
        ('bm25', ('de',), ('so', 'sw'))
    """

    models: tuple[str, ...]
    languages: tuple[str, ...]
    baseline: str
    measure: str = "AP"
    high: tuple[str, ...] = ()
    low: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        measurements: Measurements,
        *,
        baseline: str | None = None,
        measure: str = "AP",
        high: Sequence[str] = HIGH_RESOURCE,
        low: Sequence[str] = LOW_RESOURCE,
    ) -> Comparison:
        """Compare everything measured with the `baseline` (default: the first model).

        A variant of a language is in the same group as the language.
        """
        models, languages = measurements.models, measurements.languages
        return cls(
            tuple(models),
            tuple(languages),
            baseline or models[0],
            measure,
            members(high, languages),
            members(low, languages),
        )

    def sides(self, languages: Iterable[str]) -> tuple[list[str], list[str]]:
        """Split languages into the high and the low group; those in neither are left out."""
        codes = list(languages)
        return [c for c in codes if c in self.high], [c for c in codes if c in self.low]


def mean(values: pd.Series) -> float:
    """Average over queries, summed one by one; 0 if there are none."""
    return float(sum(values.tolist()) / max(len(values), 1))


def shared_topics(per_query: PerQuery) -> np.ndarray:
    """Select the topics that every language has: (languages, topics) values, topics sorted."""
    table = pd.concat(list(per_query.values()), axis=1, join="inner").sort_index()
    return np.ascontiguousarray(table.to_numpy().T)
