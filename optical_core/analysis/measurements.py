"""What was measured, as one long table, and what of it is compared with what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from optical_core.data.collection import Collection
from optical_core.data.languages import HIGH_RESOURCE, LOW_RESOURCE, members

COLUMNS = ("model", "language", "query", "measure", "value")
Values = Mapping[str, Mapping[str, float]]
"""Measure -> query -> value: one model's in one language."""
PerQuery = Mapping[str, pd.Series]
"""Language -> values of one measure, or differences of them, by query."""
Samples = dict[str, dict[str, pd.Series]]
"""Model -> what is `PerQuery`."""


@dataclass(frozen=True, eq=False)
class Measurements:
    """What models came to on the queries of one collection.

    Attributes:
        table: a row a value, with the columns `COLUMNS`. Models, languages and a language's
            queries are in the order in which they first come.
        collection: the collection's name.
        parallel: are the queries the same needs in every language?
        fingerprint: of the collection's files; measurements of different ones are never mixed.
        origin: model -> where its numbers come from, for people.
        study: name of the study that measured it, if one did.
        students: arm of the study -> a model of this machine that stands for it.
    """

    table: pd.DataFrame
    collection: str = "unnamed"
    parallel: bool = False
    fingerprint: str | None = None
    origin: Mapping[str, str] = field(default_factory=dict)
    study: str | None = None
    students: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, collection: Collection, values: Mapping[tuple[str, str], Values]) -> Measurements:
        """What was measured on a collection, by (model, language)."""
        parallel = collection.info.parallel
        return cls(cls.rows(values), collection.name, parallel, collection.fingerprint)

    @staticmethod
    def rows(values: Mapping[tuple[str, str], Values]) -> pd.DataFrame:
        """A `table` of what is measured, by (model, language).

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
        return list(self.table["model"].unique())

    @property
    def languages(self) -> list[str]:
        return list(self.table["language"].unique())

    def joined(self, other: Measurements) -> Measurements:
        """Both; the other's wins for a model and language that both have."""
        parts = {
            key: rows
            for table in (self.table, other.table)
            for key, rows in table.groupby(["model", "language"], sort=False)
        }
        order = list(dict.fromkeys([*self.models, *other.models]))
        keys = sorted(parts, key=lambda key: order.index(key[0]))
        table = pd.concat([parts[key] for key in keys], ignore_index=True)
        return replace(self, table=table, origin={**self.origin, **other.origin})

    @cached_property
    def columns(self) -> dict[tuple[str, str, str], pd.Series]:
        """(model, language, measure) -> values by query, taken from the table once."""
        keys = ["model", "language", "measure"]
        return dict(iter(self.table.set_index("query").groupby(keys, sort=False)["value"]))

    def samples(self, comparison: Comparison) -> Samples:
        """Values of what is compared, in its order; what has no value is left out."""
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
        """Each other model's values minus the baseline's, of the queries of both, sorted."""
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


def _without_empty(samples: Samples) -> Samples:
    return {model: languages for model, languages in samples.items() if languages}


@dataclass(frozen=True)
class Comparison:
    """What of the measurements is compared with what.

    Attributes:
        models: in the order of the tables.
        languages: in the order of the tables.
        baseline: the model that the others are compared with.
        high: the high-resource ones of the languages.
        low: the low-resource ones of the languages.
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
        """All that is measured, against the `baseline` (default: the first model).

        Variants of a language belong to the group that it belongs to.
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
        """Those of the languages that are in the high and in the low group."""
        codes = list(languages)
        return [c for c in codes if c in self.high], [c for c in codes if c in self.low]


def mean(values: pd.Series) -> float:
    """Mean over queries, summed one by one; 0 of none."""
    return float(sum(values.tolist()) / max(len(values), 1))


def shared_topics(per_query: PerQuery) -> np.ndarray:
    """(languages, topics) values of the topics that every language has, in sorted order."""
    table = pd.concat(list(per_query.values()), axis=1, join="inner").sort_index()
    return np.ascontiguousarray(table.to_numpy().T)
