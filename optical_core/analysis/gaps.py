"""Language gaps: how much worse low-resource queries fare than high-resource ones.

Raw differences between languages mean something on a parallel collection alone (the same
information needs in every language). Elsewhere the difference between two systems is compared
between languages (difference in differences).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optical_core.analysis.resampling import RESAMPLES, Contrast, bootstrap_intervals
from optical_core.data.languages import HIGH_RESOURCE, LOW_RESOURCE

STRATIFIED_RESAMPLES = RESAMPLES // 10
"""Of gaps whose languages are resampled apart: a thousand topics each in a dozen languages."""
PerQuery = Mapping[str, Mapping[str, float]]
"""Language -> query -> value of one measure."""


@dataclass(frozen=True)
class LanguageGap:
    """Gap of one model on one collection.

    Attributes:
        high: mean over the high-resource languages of the mean over topics.
        low: the same over the low-resource languages.
        absolute: high - low.
        relative: absolute / high.
        interval: 95 % bootstrap interval of `absolute`: over topics shared by all languages
            (paired) on a parallel collection, else over each language's own.
        worst: the language with the lowest mean.
        rank_correlation: mean Spearman correlation between languages of the topics' values, for a
            parallel collection: do the same queries fail in every language?
    """

    model: str
    high: float
    low: float
    absolute: float
    relative: float
    interval: tuple[float, float]
    worst: str
    worst_value: float
    rank_correlation: float | None


def language_gap(
    model: str,
    per_query: PerQuery,
    *,
    parallel: bool,
    high: Sequence[str] = HIGH_RESOURCE,
    low: Sequence[str] = LOW_RESOURCE,
    seed: int = 0,
) -> LanguageGap | None:
    """The gap between two groups of languages; None if either group has no language here."""
    found = language_gaps({model: per_query}, parallel=parallel, high=high, low=low, seed=seed)
    return found[0] if found else None


def language_gaps(
    models: Mapping[str, PerQuery],
    *,
    parallel: bool,
    high: Sequence[str] = HIGH_RESOURCE,
    low: Sequence[str] = LOW_RESOURCE,
    seed: int = 0,
) -> list[LanguageGap]:
    """`language_gap` of each model that has languages of both groups, computed together."""
    sides = {model: _sides(per_query, high, low) for model, per_query in models.items()}
    compared = [model for model, (highs, lows) in sides.items() if highs and lows]
    contrasts = [
        [(1.0, _parallel_gap(models[model], *sides[model]))]
        if parallel
        else _contrast(_arrays(models[model]), *sides[model])
        for model in compared
    ]
    resamples = RESAMPLES if parallel else STRATIFIED_RESAMPLES
    intervals = bootstrap_intervals(contrasts, resamples=resamples, seed=seed)
    found = []
    for model, interval in zip(compared, intervals, strict=True):
        highs, lows = sides[model]
        means = {code: float(values.mean()) for code, values in _arrays(models[model]).items()}
        high_mean, low_mean = (
            float(np.mean([means[code] for code in codes])) for codes in (highs, lows)
        )
        worst = min(means, key=lambda code: means[code])
        found.append(
            LanguageGap(
                model=model,
                high=high_mean,
                low=low_mean,
                absolute=high_mean - low_mean,
                relative=(high_mean - low_mean) / high_mean if high_mean else 0.0,
                interval=interval,
                worst=worst,
                worst_value=means[worst],
                rank_correlation=_rank_correlation(models[model]) if parallel else None,
            )
        )
    return found


@dataclass(frozen=True)
class GapChange:
    """How much a model narrows the gap of a baseline: difference in differences.

    Attributes:
        high: mean over the high-resource languages of the mean paired difference to the baseline.
        low: the same over the low-resource languages.
        change: low - high: above 0, the low-resource languages gain more. 95 % `interval`.
    """

    model: str
    baseline: str
    high: float
    low: float
    change: float
    interval: tuple[float, float]


def gap_changes(
    baseline: str,
    models: Mapping[str, PerQuery],
    *,
    high: Sequence[str] = HIGH_RESOURCE,
    low: Sequence[str] = LOW_RESOURCE,
    seed: int = 0,
) -> list[GapChange]:
    """Difference in differences of each other model that shares both groups with the baseline.

    It needs no parallel collection: each language's queries are compared with themselves.
    """
    differences = {
        model: _arrays(paired_differences(found, models[baseline]))
        for model, found in models.items()
        if model != baseline
    }
    sides = {model: _sides(found, high, low) for model, found in differences.items()}
    compared = [model for model, (highs, lows) in sides.items() if highs and lows]
    contrasts = [_contrast(differences[model], *reversed(sides[model])) for model in compared]
    intervals = bootstrap_intervals(contrasts, resamples=STRATIFIED_RESAMPLES, seed=seed)
    found = []
    for model, interval in zip(compared, intervals, strict=True):
        high_mean, low_mean = (
            float(np.mean([differences[model][code].mean() for code in codes]))
            for codes in sides[model]
        )
        found.append(
            GapChange(model, baseline, high_mean, low_mean, low_mean - high_mean, interval)
        )
    return found


def paired_differences(ours: PerQuery, theirs: PerQuery) -> dict[str, dict[str, float]]:
    """Language -> topic -> ours minus theirs, where both have the topic; topics are sorted."""
    differences = {
        code: {q: values[q] - theirs[code][q] for q in sorted(values) if q in theirs[code]}
        for code, values in ours.items()
        if code in theirs
    }
    return {code: found for code, found in differences.items() if found}


def _shared_topics(per_query: PerQuery) -> np.ndarray:
    """(languages, topics) values of the topics that every language has."""
    shared = sorted(set.intersection(*(set(values) for values in per_query.values())))
    return np.array([[values[query] for query in shared] for values in per_query.values()])


def _parallel_gap(per_query: PerQuery, highs: Sequence[str], lows: Sequence[str]) -> np.ndarray:
    """High minus low of each topic that every language has."""
    by_code = dict(zip(per_query, _shared_topics(per_query), strict=True))
    return np.mean([by_code[c] for c in highs], axis=0) - np.mean(
        [by_code[c] for c in lows], axis=0
    )


def _contrast(
    values: Mapping[str, np.ndarray], first: Sequence[str], second: Sequence[str]
) -> Contrast:
    """mean(first) - mean(second), each language's topics resampled by themselves."""
    return [
        (sign / len(codes), values[code])
        for sign, codes in ((1, first), (-1, second))
        for code in codes
    ]


def _sides(
    languages: Iterable[str], high: Sequence[str], low: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Those of the languages that belong to either group, in their order."""
    codes = list(languages)
    return [code for code in codes if code in high], [code for code in codes if code in low]


def _arrays(per_query: PerQuery) -> dict[str, np.ndarray]:
    return {code: np.array(list(found.values()), float) for code, found in per_query.items()}


def _rank_correlation(per_query: PerQuery) -> float | None:
    from scipy.stats import spearmanr

    matrix = _shared_topics(per_query)
    varying = matrix[np.ptp(matrix, axis=1) > 0]
    if len(varying) < 2 or varying.shape[1] < 3:
        return None
    correlation = np.atleast_2d(spearmanr(varying, axis=1).statistic)
    if correlation.shape == (1, 1):
        return float(correlation[0, 0])
    upper = correlation[np.triu_indices(len(correlation), 1)]
    return float(upper.mean())
