"""The numbers of the gaps page: tables of a comparison, the answer in words, uploads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

import pandas as pd

from optical_core.analysis.measurements import Comparison, Measurements
from optical_core.analysis.predictors import correlation_table, language_values
from optical_core.analysis.tables import GROUPS, Tables
from optical_core.data.allowance import UPLOADS, Tell, allowed
from optical_core.data.compression import plain_name
from optical_core.data.languages import language
from optical_core.data.trec import read_qrels, read_run
from optical_core.errors import InputError
from optical_core.figures.gap_rows import gap_values
from optical_core.figures.levels import NAMES
from optical_core.study.uploaded_results import read_results_zip, results_from_runs
from optical_core.ui.library import Library
from optical_core.ui.uploads import uploaded
from optical_core.wording import listed, split_names

if TYPE_CHECKING:
    from optical_core.study.predictors import QueryCosts

ALL = "all"
_RUN_ENDINGS = ("run", "txt", "trec", "tsv")
FORMS = {"arrows": "before and after", "waterfall": "what makes the gap"}


def gap_tables(library: Library, measurements: Measurements, comparison: Comparison) -> Tables:
    """The tables of a comparison. Kept, since bootstraps and tests take a second."""
    key = (measurements, comparison)
    return library.keep("gap tables", lambda: Tables(measurements, comparison), key=key)


def predictor_tables(
    measurements: Measurements,
    comparison: Comparison,
    costs: tuple[tuple[str, QueryCosts], ...],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each language's mean beside its predictors, and the correlations between them.

    Args:
        costs: (model, costs of one language's queries), as far as measured.
    """
    measured = {
        (model, cost.language): {
            "fertility": cost.fertility,
            "transport": cost.transport,
            "unaligned": cost.unaligned,
        }
        for model, cost in costs
    }
    values = language_values(measurements, comparison, measured)
    return values, correlation_table(values)


def first_models(measurements: Measurements) -> list[str]:
    """The models shown at first: not BM25, which would take most of both scales."""
    shown = [model for model in measurements.models if model != "bm25"]
    return shown if len(shown) > 1 else list(measurements.models)


def first_baseline(measurements: Measurements) -> str:
    """The baseline at first: the undistilled encoder, or the first model without it."""
    return "embedded" if "embedded" in measurements.models else measurements.models[0]


def picture_subject(tables: Tables) -> str:
    """What a picture of the page is about, for its title."""
    comparison = tables.comparison
    named = NAMES.get(comparison.measure, comparison.measure)
    return f"{named} on {tables.measurements.collection}"


def places(tables: Tables) -> dict[str, tuple[str, ...]]:
    """What queries may be of -> its languages: all of them, a group, a language."""
    codes = tables.comparison.languages
    groups = zip(GROUPS, tables.comparison.sides(codes), strict=True)
    return {ALL: (), **{g: tuple(c) for g, c in groups if c}, **{code: (code,) for code in codes}}


def row_choices(tables: Tables) -> list[tuple[str, str]]:
    """The gap picture's rows for readers who can't point at them: (what `places` has, text)."""
    values = gap_values(tables.measures, tables.comparisons, tables.groups, tables.comparison)
    return [(row.key, f"{row.label}. {'; '.join(values.facts(row))}") for row in values.rows]


def place_name(at: str) -> str:
    """The name of one of the `places`."""
    if at == ALL:
        return "all languages"
    return f"{at} languages" if at in GROUPS else language(at).name


def picture_title(tables: Tables) -> str:
    """The title of the gap picture."""
    comparison = tables.comparison
    rivals = [model for model in comparison.models if model != comparison.baseline]
    before = f"From {comparison.baseline} to {listed(rivals)}" if rivals else comparison.baseline
    return f"{before}: {picture_subject(tables)}"


def waterfall_title(tables: Tables, model: str) -> str:
    """The title of a model's waterfall."""
    return (
        f"What makes the gap of {tables.comparison.baseline}, and what {model} changes in it: "
        f"{picture_subject(tables)}"
    )


def queries_title(tables: Tables, model: str, at: str) -> str:
    """The title of the queries' picture."""
    return (
        f"Queries in {place_name(at)}, {tables.comparison.baseline} against {model}: "
        f"{picture_subject(tables)}"
    )


def worst_served(tables: Tables) -> str:
    """The low-resource language (or any, without one) in which the baseline is worst."""
    comparison = tables.comparison
    rows = tables.measures[tables.measures["model"] == comparison.baseline]
    rows = rows if not rows.empty else tables.measures
    lows = rows[rows["language"].isin(comparison.low)]
    rows = lows if not lows.empty else rows
    return str(rows.loc[rows[comparison.measure].idxmin(), "language"])


def first_encoder(models: Sequence[str]) -> str:
    """The first model that reads the query itself: neither BM25 nor a translation, if possible."""
    encoders = (model for model in models if not model.startswith("bm25") and "@" not in model)
    return next(encoders, models[0])


def headline(tables: Tables) -> str:
    """The answer in one or two sentences: does the gap narrow, and is any language worse off?

    It is about the `first_encoder` besides the baseline.
    """
    baseline = tables.comparison.baseline
    if (
        tables.measurements.parallel
        and len(tables.gaps) > 1
        and baseline in set(tables.gaps["model"])
    ):
        rows = tables.gaps.set_index("model")
        rivals = [model for model in rows.index if model != baseline]
        subject = first_encoder(rivals)
        before, after = rows.loc[baseline], rows.loc[subject]
        verb = "narrows" if after["gap"] < before["gap"] else "widens"
        text = (
            f"Between high- and low-resource languages, {subject} {verb} the gap of {baseline} "
            f"from {before['gap']:.3f} to {after['gap']:.3f}, while the low-resource mean goes "
            f"from {before['low']:.3f} to {after['low']:.3f}. The worst-served language is now "
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


def judged_line(tables: Tables) -> str:
    """How much of each model's rankings is judged, as a mean over languages; empty if unknown."""
    parts = []
    for name in (name for name in tables.measurements.measures if name.startswith("Judged")):
        if name in tables.measures:
            means = tables.measures.groupby("model", sort=False)[name].mean().dropna()
            parts.append(f"{name}: " + ", ".join(f"{m} {value:.2f}" for m, value in means.items()))
    if not parts:
        return ""
    return f"{'; '.join(parts)}. A passage without a judgement counts as not relevant."


def upload_runs(
    runs: Sequence[tuple[str, bytes]],
    qrels: bytes | None,
    archive: bytes | None,
    *,
    parallel: bool,
    measures: str = "",
    tell: Tell | None = None,
) -> Measurements:
    """Read uploaded files as results: a zipped evaluation folder, or runs with qrels.

    A run is named `model.language.run` (or `.txt`, `.trec`). Runs and qrels may be compressed.

    Args:
        parallel: Are the queries the same in all languages? Else a judged query that only runs in
            other languages rank isn't counted.
        measures: Names of measures of the runs besides the usual ones, comma-separated.
        tell: Called with the progress.

    Raises:
        InputError: If a file can't be read or is badly named (the message names the file), or a
            measure is unknown.
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
            key = _model_and_language(name)
            if key in parsed:
                raise InputError(f"{name}: there is another run of {key[0]} in {key[1]}")
            parsed[key] = read_run(path)
    ranked: dict[str, set[str]] = {}
    for (_, code), run in parsed.items():
        ranked.setdefault(code, set()).update(run)
    # One file of judgements may be of all languages: each counts its own queries.
    others = {c: set() if parallel else set().union(*ranked.values()) - ranked[c] for c in ranked}
    qrels_of = {
        code: {query: grades for query, grades in judged.items() if query not in others[code]}
        for code in ranked
    }
    names = split_names(measures)
    return results_from_runs("upload", parsed, qrels_of, parallel=parallel, measures=names)


def _model_and_language(name: str) -> tuple[str, str]:
    """The model and the language's code that the name of a run tells.

    Raises:
        InputError: It tells none.
    """
    *parts, _ = plain_name(PurePath(name).name).split(".")
    # `run` is Rundi's code, too.
    while len(parts) > 2 and parts[-1].lower() in _RUN_ENDINGS:
        parts.pop()
    if len(parts) < 2 or not (model := ".".join(parts[:-1]).strip()):
        raise InputError(f"{name}: name the file model.language.run, such as colbert.so.run")
    return model, language(parts[-1]).code
