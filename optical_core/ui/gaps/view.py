"""The numbers of the gaps page: tables of one choice of models, languages and measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING

import pandas as pd

from optical_core.analysis.predictors import correlation_table, language_values
from optical_core.analysis.report import (
    change_table,
    comparison_table,
    gap_table,
    group_table,
    measure_table,
    power_table,
)
from optical_core.data.allowance import UPLOADS, Tell, allowed
from optical_core.data.compression import plain_name
from optical_core.data.languages import language
from optical_core.data.trec import read_qrels, read_run
from optical_core.errors import InputError
from optical_core.study.results import SavedResults, read_results_zip, results_from_runs
from optical_core.ui.uploads import uploaded

if TYPE_CHECKING:
    from optical_core.study.predictors import QueryCosts


@dataclass(frozen=True)
class GapTables:
    """Levels, gaps, paired differences to the baseline, and difference in differences."""

    measures: pd.DataFrame
    gaps: pd.DataFrame
    comparisons: pd.DataFrame
    changes: pd.DataFrame


@dataclass(frozen=True)
class PairedTables:
    """What stands behind the paired tests: groups of languages, and the topics they would need."""

    groups: pd.DataFrame
    power: pd.DataFrame


@dataclass(frozen=True)
class PredictorTables:
    """Each language's mean beside its predictors, and how they go together."""

    values: pd.DataFrame
    correlations: pd.DataFrame


class GapStudy:
    """Tables of one set of results, each computed once: bootstraps and tests take a second."""

    def __init__(self, results: SavedResults) -> None:
        self.results = results
        self.tables = lru_cache(maxsize=64)(self._tables)
        self.tests = lru_cache(maxsize=64)(self._tests)
        self.predictors = lru_cache(maxsize=64)(self._predictors)

    def _tables(
        self,
        models: tuple[str, ...],
        languages: tuple[str, ...],
        measure: str,
        baseline: str,
        high: tuple[str, ...],
        low: tuple[str, ...],
    ) -> GapTables:
        values = self.results.select(models, languages)
        parallel = self.results.parallel
        comparisons = changes = pd.DataFrame()
        if baseline in values and len(values) > 1:
            comparisons = comparison_table(values, baseline, measure=measure)
            changes = change_table(values, baseline, measure=measure, high=high, low=low)
        return GapTables(
            measures=measure_table(values, measure=measure),
            gaps=gap_table(values, parallel=parallel, measure=measure, high=high, low=low),
            comparisons=comparisons,
            changes=changes,
        )

    def _tests(
        self,
        models: tuple[str, ...],
        languages: tuple[str, ...],
        measure: str,
        baseline: str,
        high: tuple[str, ...],
        low: tuple[str, ...],
    ) -> PairedTables:
        values = self.results.select(models, languages)
        if baseline not in values:
            return PairedTables(pd.DataFrame(), pd.DataFrame())
        return PairedTables(
            groups=group_table(
                values,
                baseline,
                parallel=self.results.parallel,
                measure=measure,
                high=high,
                low=low,
            ),
            power=power_table(values, baseline, measure=measure),
        )

    def _predictors(
        self,
        models: tuple[str, ...],
        languages: tuple[str, ...],
        measure: str,
        costs: tuple[tuple[str, QueryCosts], ...],
    ) -> PredictorTables:
        """`costs`: (model, what its queries cost in one language), as far as measured."""
        measured: dict[str, dict[str, dict[str, float | None]]] = {}
        for model, found in costs:
            measured.setdefault(model, {})[found.language] = {
                "fertility": found.fertility,
                "transport": found.transport,
                "unaligned": found.unaligned,
            }
        results = self.results.select(models, languages)
        values = language_values(results, measure=measure, measured=measured)
        return PredictorTables(values, correlation_table(values))


def headline(tables: GapTables, baseline: str, *, parallel: bool) -> str:
    """The answer in one or two sentences: does the gap close, and is anyone worse off?

    Told of the first model after the baseline that reads the query itself (neither BM25 nor a
    translation), if there is one.
    """
    if parallel and len(tables.gaps) > 1 and baseline in set(tables.gaps["model"]):
        rows = tables.gaps.set_index("model")
        others = [model for model in rows.index if model != baseline]
        reading = (model for model in others if model != "bm25" and "@" not in model)
        subject = next(reading, others[0])
        before, after = rows.loc[baseline], rows.loc[subject]
        verb = "narrows" if after["gap"] < before["gap"] else "widens"
        text = (
            f"Between high- and low-resource languages, {subject} {verb} the gap of {baseline} "
            f"from {before['gap']:.3f} to {after['gap']:.3f}, while the low-resource mean goes "
            f"from {before['low']:.3f} to {after['low']:.3f}. The worst served language is now "
            f"{language(after['worst']).name} ({after['worst_value']:.3f})."
        )
    elif not tables.changes.empty:
        rows = tables.changes
        row = rows.iloc[int((rows["model"] == "bm25").iloc[0] and len(rows) > 1)]
        text = (
            f"Against {baseline}, {row['model']} gains {row['low_difference']:+.3f} in "
            f"low-resource languages and {row['high_difference']:+.3f} in high-resource ones."
        )
    else:
        return ""
    worse = tables.comparisons
    if not worse.empty:
        worse = worse[worse["significant"] & (worse["difference"] < 0)]
        parts = []
        for model, rows in worse.groupby("model", sort=False):
            every = len(rows) > 1 and len(rows) == (tables.comparisons["model"] == model).sum()
            names = ", ".join(language(code).name for code in rows["language"])
            parts.append(f"{model} in {'every language' if every else names}")
        if parts:
            text += f" Significantly worse than {baseline}: {'; '.join(parts)}."
    return text


def upload_runs(
    runs: Sequence[tuple[str, bytes]],
    qrels: bytes | None,
    archive: bytes | None,
    *,
    parallel: bool,
    tell: Tell | None = None,
) -> SavedResults:
    """Uploaded files as results: a zipped evaluation folder, or runs with judgements.

    A run is named `model.language.run` (or `.txt`, `.trec`); it and its qrels may be compressed.

    `tell` takes word of how far it is.

    Raises InputError that names the file.
    """
    if archive is not None:
        with allowed(UPLOADS, tell):
            return read_results_zip(archive)
    if not runs or qrels is None:
        raise InputError("upload at least one run and its qrels, or a zipped evaluation folder")
    with allowed(UPLOADS, tell), uploaded([("qrels.txt", qrels), *runs]) as paths:
        judged = read_qrels(paths[0])
        parsed = {}
        for (name, _), path in zip(runs, paths[1:], strict=True):
            parts = plain_name(PurePath(name).name).rsplit(".", 2)
            if len(parts) != 3:
                raise InputError(
                    f"{name}: name the file model.language.run, such as colbert.so.run, so that "
                    "its model and language are known"
                )
            key = (parts[0], language(parts[1]).code)
            if key in parsed:
                raise InputError(f"{name}: another run is of {key[0]} in {key[1]}")
            parsed[key] = read_run(path)
    codes = {code for _, code in parsed}
    return results_from_runs("upload", parsed, dict.fromkeys(codes, judged), parallel=parallel)
