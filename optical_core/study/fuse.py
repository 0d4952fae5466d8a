"""Fit the weights of a fusion on a dev collection, with cross-validation.

Every model ranks once. The weights on a grid that give the best measure are chosen, as a mean over
languages. What they gain is told on queries that they weren't chosen on: the queries are divided
into folds, and each fold is measured with the weights that are best on the others. A query and its
translations are in the same fold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optical_core.analysis.measure_names import check_depth, measure_names
from optical_core.analysis.metrics import per_query_measures
from optical_core.analysis.significance import bootstrap_interval
from optical_core.data.collection import Collection
from optical_core.data.trec import Run, best_first
from optical_core.errors import InputError
from optical_core.models.fusions import Fusion, check_fusion_name
from optical_core.retrieval.expression_reader import parse
from optical_core.retrieval.expressions import Weighted
from optical_core.retrieval.fusing import FUSED, scaled
from optical_core.retrieval.model_names import check_new_name, label
from optical_core.study.evaluate import searchers_by_language
from optical_core.wording import listed

FOLDS = 5
STEPS = {2: 20, 3: 10, 4: 10}
"""Number of models -> parts into which 1 is divided on the grid of weights."""


@dataclass(frozen=True)
class Fitted:
    """Fitted weights, and what they are worth.

    Attributes:
        fusion: to be saved, with the weights that are best on all queries.
        single: model -> its measure alone, a mean over the languages.
        held_out: the fusion's measure on queries that its weights weren't chosen on.
        gain: of `held_out` over the best single model, a mean over queries (of a query's mean over
            the languages).
        interval: 95 % bootstrap interval of the gain.
    """

    fusion: Fusion
    single: dict[str, float]
    held_out: float
    gain: float
    interval: tuple[float, float]


def fit_weights(
    name: str,
    models: Sequence[str],
    collection: Collection,
    languages: Sequence[str] = (),
    *,
    measure: str = "AP",
    folds: int = FOLDS,
    device: str | None = None,
    progress: bool = False,
) -> Fitted:
    """Fit the weights of a fusion of two to four models.

    Args:
        name: of the fusion.
        models: as `optical evaluate` takes them.
        collection: with judgements; not one that you evaluate on.
        languages: of the queries; all of the collection if empty.
        measure: to be made as large as possible.
        folds: of the cross-validation.
        device: None for the best there is.
        progress: whether to show bars.

    Raises:
        InputError: there are too few or too many models, folds or queries, a model is unknown, or
            the name is another model's.

    Examples:
        >>> from optical_core.data import open_collection
        >>> fit_weights("mine", ["bm25", "embedded"], open_collection("demo"))  # doctest: +SKIP
    """
    (measure,) = measure_names([measure])
    check_depth([measure], FUSED)
    _check(name, models, folds)
    codes = collection.select_or_all(languages)
    runs = _runs(models, collection, codes, device=device, progress=progress)
    grid = list(weightings(len(models)))
    values = {code: _values(runs[code], collection, code, grid, measure) for code in codes}
    topics = sorted({query for of_code in values.values() for query in of_code})
    if len(topics) < folds:
        raise InputError(f"{collection.name} has {len(topics)} judged queries for {folds} folds")
    # The grid begins with each model alone.
    singles = _means(values, topics)[: len(models)]
    held_out, gains = _held_out(values, topics, folds, int(np.argmax(singles)))
    interval = bootstrap_interval(gains)
    single = dict(zip(models, map(float, singles), strict=True))
    gain = float(gains.mean())
    record = {
        "single": single,
        "held_out": held_out,
        "gain": gain,
        "interval": list(interval),
        "collection": collection.name,
        "fingerprint": collection.fingerprint,
        "languages": codes,
        "measure": measure,
        "folds": folds,
        "queries": len(topics),
    }
    weights = grid[int(np.argmax(_means(values, topics)))]
    fusion = Fusion(name=name, expression=_written(models, weights), record=record)
    return Fitted(fusion, single, held_out, gain, interval)


def _held_out(
    values: Mapping[str, Mapping[str, np.ndarray]], topics: Sequence[str], folds: int, single: int
) -> tuple[float, np.ndarray]:
    """The measure of each fold with weights chosen on the others, and its gain of each query."""
    order = np.random.default_rng(0).permutation(len(topics))
    fold_of = {topics[place]: number % folds for number, place in enumerate(order)}
    by_language: dict[str, list[float]] = {code: [] for code in values}
    gains: dict[str, list[float]] = {query: [] for query in topics}
    for fold in range(folds):
        others = [query for query in topics if fold_of[query] != fold]
        chosen = int(np.argmax(_means(values, others)))
        for code, of_code in values.items():
            for query in (query for query in of_code if fold_of[query] == fold):
                by_language[code].append(float(of_code[query][chosen]))
                gains[query].append(float(of_code[query][chosen] - of_code[query][single]))
    held_out = float(np.mean([np.mean(found) for found in by_language.values() if found]))
    return held_out, np.array([np.mean(found) for found in gains.values()])


def weightings(count: int) -> Iterator[tuple[float, ...]]:
    """Weights of so many models that add up to 1: each model alone first, then the grid.

    Examples:
        >>> list(weightings(2))[:4]
        [(1.0, 0.0), (0.0, 1.0), (0.05, 0.95), (0.1, 0.9)]
    """
    yield from (tuple(map(float, row)) for row in np.eye(count))
    steps = STEPS[count]
    for whole in np.ndindex(*[steps + 1] * (count - 1)):
        last = steps - sum(whole)
        parts = (*whole, last)
        if min(parts) >= 0 and max(parts) < steps:
            yield tuple(part / steps for part in parts)


def _check(name: str, models: Sequence[str], folds: int) -> None:
    if len(models) not in STEPS:
        raise InputError(f"a fusion joins 2 to {max(STEPS)} models, got {len(models)}")
    if len({label(model) for model in models}) < len(models):
        raise InputError(f"a fusion joins different models, got {listed(models)}")
    check_fusion_name(name)
    if folds < 2:
        raise InputError(f"cross-validation needs at least 2 folds, got {folds}")
    check_new_name(name, fusion=True)


def _written(models: Sequence[str], weights: Sequence[float]) -> str:
    """The expression; a model of weight 0 is left out."""
    used = [(w, parse(m)) for m, w in zip(models, weights, strict=True) if w]
    return str(used[0][1] if len(used) == 1 else Weighted(tuple(used)))


def _runs(
    models: Sequence[str],
    collection: Collection,
    codes: Sequence[str],
    *,
    device: str | None,
    progress: bool,
) -> dict[str, list[Run]]:
    """Language -> the run of each model for the judged queries."""
    runs: dict[str, list[Run]] = {code: [] for code in codes}
    for model in models:
        found = searchers_by_language(model, collection, codes, device=device, progress=progress)
        for code in codes:
            searcher, asked = found[code]
            qrels = collection.qrels(code)
            judged = {query: text for query, text in asked.items() if query in qrels}
            runs[code].append(searcher.run(judged, top=FUSED))
    return runs


def _values(
    runs: Sequence[Run],
    collection: Collection,
    code: str,
    grid: Sequence[tuple[float, ...]],
    measure: str,
) -> dict[str, np.ndarray]:
    """Query -> the measure with each weighting (W,)."""
    qrels = collection.qrels(code)
    columns = []
    parts = {query: [scaled(list(run[query].items())) for run in runs] for query in runs[0]}
    for weights in grid:
        fused = {query: _fused(of_query, weights) for query, of_query in parts.items()}
        columns.append(per_query_measures(fused, qrels, [measure])[measure])
    return {query: np.array([column[query] for column in columns]) for query in columns[0]}


def _fused(parts: Sequence[Mapping[str, float]], weights: Sequence[float]) -> dict[str, float]:
    total: dict[str, float] = {}
    for part, weight in zip(parts, weights, strict=True):
        if weight:
            for passage, value in part.items():
                total[passage] = total.get(passage, 0.0) + weight * value
    return dict(best_first(total.items(), len(total)))


def _means(values: Mapping[str, Mapping[str, np.ndarray]], topics: Sequence[str]) -> np.ndarray:
    """Mean over queries, then over languages, of each weighting (W,)."""
    chosen = [
        np.mean([of_code[q] for q in topics if q in of_code], axis=0)
        for of_code in values.values()
        if any(q in of_code for q in topics)
    ]
    return np.asarray(np.mean(chosen, axis=0))
