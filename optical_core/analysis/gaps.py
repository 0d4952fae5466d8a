"""Language gaps: how much worse low-resource queries fare than high-resource ones.

Raw differences between languages mean something on a parallel collection alone (the same
information needs in every language). Elsewhere the difference between two systems is compared
between languages (difference in differences).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optical_core.analysis.measurements import Comparison, Measurements, PerQuery, shared_topics
from optical_core.analysis.resampling import RESAMPLES, Contrast, bootstrap_intervals

STRATIFIED_RESAMPLES = RESAMPLES // 10
"""Of gaps whose languages are resampled apart: a thousand topics each in a dozen languages."""


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


def language_gaps(
    measurements: Measurements, comparison: Comparison, *, seed: int = 0
) -> list[LanguageGap]:
    """The gap between the groups of languages, of each model that has languages of both."""
    samples, parallel = measurements.samples(comparison), measurements.parallel
    sides = {model: comparison.sides(per_query) for model, per_query in samples.items()}
    compared = [model for model, (highs, lows) in sides.items() if highs and lows]
    contrasts = [
        [(1.0, _parallel_gap(samples[model], *sides[model]))]
        if parallel
        else _contrast(samples[model], *sides[model])
        for model in compared
    ]
    resamples = RESAMPLES if parallel else STRATIFIED_RESAMPLES
    intervals = bootstrap_intervals(contrasts, resamples=resamples, seed=seed)
    gaps = []
    for model, interval in zip(compared, intervals, strict=True):
        means = _means(samples[model])
        high, low = (float(np.mean([means[code] for code in codes])) for codes in sides[model])
        worst = min(means, key=lambda code: means[code])
        gaps.append(
            LanguageGap(
                model=model,
                high=high,
                low=low,
                absolute=high - low,
                relative=(high - low) / high if high else 0.0,
                interval=interval,
                worst=worst,
                worst_value=means[worst],
                rank_correlation=_rank_correlation(samples[model]) if parallel else None,
            )
        )
    return gaps


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
    measurements: Measurements, comparison: Comparison, *, seed: int = 0
) -> list[GapChange]:
    """Difference in differences of each other model that shares both groups with the baseline.

    It needs no parallel collection: each language's queries are compared with themselves.
    """
    differences = measurements.differences(comparison)
    sides = {model: comparison.sides(per_query) for model, per_query in differences.items()}
    compared = [model for model, (highs, lows) in sides.items() if highs and lows]
    contrasts = [_contrast(differences[model], *reversed(sides[model])) for model in compared]
    intervals = bootstrap_intervals(contrasts, resamples=STRATIFIED_RESAMPLES, seed=seed)
    changes = []
    for model, interval in zip(compared, intervals, strict=True):
        means = _means(differences[model])
        high, low = (float(np.mean([means[code] for code in codes])) for codes in sides[model])
        changes.append(GapChange(model, comparison.baseline, high, low, low - high, interval))
    return changes


def _means(per_query: PerQuery) -> dict[str, float]:
    return {code: float(values.to_numpy().mean()) for code, values in per_query.items()}


def _parallel_gap(per_query: PerQuery, highs: Sequence[str], lows: Sequence[str]) -> np.ndarray:
    """High minus low of each topic that every language has."""
    by_code = dict(zip(per_query, shared_topics(per_query), strict=True))
    return np.mean([by_code[c] for c in highs], axis=0) - np.mean(
        [by_code[c] for c in lows], axis=0
    )


def _contrast(per_query: PerQuery, first: Sequence[str], second: Sequence[str]) -> Contrast:
    """mean(first) - mean(second), each language's topics resampled by themselves."""
    return [
        (sign / len(codes), per_query[code].to_numpy())
        for sign, codes in ((1, first), (-1, second))
        for code in codes
    ]


def _rank_correlation(per_query: PerQuery) -> float | None:
    from scipy.stats import spearmanr

    matrix = shared_topics(per_query)
    varying = matrix[np.ptp(matrix, axis=1) > 0]
    if len(varying) < 2 or varying.shape[1] < 3:
        return None
    correlation = np.atleast_2d(spearmanr(varying, axis=1).statistic)
    if correlation.shape == (1, 1):
        return float(correlation[0, 0])
    upper = correlation[np.triu_indices(len(correlation), 1)]
    return float(upper.mean())
