"""Language gaps: how much worse low-resource queries fare than high-resource ones.

Raw differences between languages mean something only on a parallel collection, which has the same
information needs in every language. On other collections, the difference between two systems is
compared between languages (difference in differences).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optical_core.analysis.measurements import Comparison, Measurements, PerQuery, shared_topics
from optical_core.analysis.resampling import RESAMPLES, Contrast, bootstrap_intervals

STRATIFIED_RESAMPLES = RESAMPLES // 10
"""Fewer where each language is resampled by itself: a dozen languages with a thousand topics each
take long."""


@dataclass(frozen=True)
class LanguageGap:
    """Gap of one model on one collection.

    Attributes:
        model: its name.
        high: mean over topics, then over the high-resource languages.
        low: the same for the low-resource languages.
        absolute: high - low.
        relative: absolute / high.
        interval: 95 % bootstrap interval of `absolute`: over topics shared by all languages
            (paired) if the collection is parallel and has some, else over each language's own.
        worst: the language with the lowest mean.
        worst_value: its mean.
        rank_correlation: mean Spearman correlation of the topics' values between two languages, on
            a parallel collection: do the same queries fail in every language?
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
    """Compute the gap of each model that has languages in both groups.

    Args:
        measurements: of one collection.
        comparison: which models, which measure, and the two groups of languages.
        seed: of the bootstrap.

    Returns:
        A gap a model, in the order of `comparison.models`.

    Examples:
        >>> values = {
        ...     ("bm25", "de"): {"AP": {"q1": 0.5, "q2": 0.7}},
        ...     ("bm25", "so"): {"AP": {"q1": 0.2, "q2": 0.4}},
        ... }
        >>> measurements = Measurements(Measurements.rows(values), parallel=True)
        >>> gap = language_gaps(measurements, Comparison.of(measurements))[0]
        >>> round(gap.absolute, 2), round(gap.relative, 2), gap.worst
        (0.3, 0.5, 'so')
    """
    samples = measurements.samples(comparison)
    sides = {model: comparison.sides(per_query) for model, per_query in samples.items()}
    compared = [model for model, (highs, lows) in sides.items() if highs and lows]
    shared = {model: shared_topics(samples[model]) for model in compared if measurements.parallel}
    paired = {
        model: [(1.0, _parallel_gap(list(samples[model]), topics, *sides[model]))]
        for model, topics in shared.items()
        if topics.size
    }
    apart = {
        model: _contrast(samples[model], *sides[model]) for model in compared if model not in paired
    }
    intervals: dict[str, tuple[float, float]] = {}
    for contrasts, resamples in ((paired, RESAMPLES), (apart, STRATIFIED_RESAMPLES)):
        found = bootstrap_intervals(list(contrasts.values()), resamples=resamples, seed=seed)
        intervals |= zip(contrasts, found, strict=True)
    gaps = []
    for model in compared:
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
                interval=intervals[model],
                worst=worst,
                worst_value=means[worst],
                rank_correlation=_rank_correlation(shared[model]) if model in paired else None,
            )
        )
    return gaps


@dataclass(frozen=True)
class GapChange:
    """How much a model narrows the gap of a baseline: difference in differences.

    Attributes:
        model: its name.
        baseline: the baseline's name.
        high: mean paired difference to the baseline over topics, then over the high-resource
            languages.
        low: the same for the low-resource languages.
        change: low - high; above 0, the low-resource languages gain more.
        interval: 95 % bootstrap interval of `change`.
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
    """Compare the gains of the two groups: difference in differences to the baseline.

    This needs no parallel collection: each language's queries are compared with themselves.

    Args:
        measurements: of one collection.
        comparison: which models, which measure, the baseline, and the two groups of languages.
        seed: of the bootstrap.

    Returns:
        A change for each other model that shares languages of both groups with the baseline.

    Examples:
        >>> values = {
        ...     ("bm25", "de"): {"AP": {"q1": 0.5, "q2": 0.7}},
        ...     ("bm25", "so"): {"AP": {"q1": 0.2, "q2": 0.4}},
        ...     ("student", "de"): {"AP": {"q1": 0.5, "q2": 0.7}},
        ...     ("student", "so"): {"AP": {"q1": 0.3, "q2": 0.5}},
        ... }
        >>> measurements = Measurements(Measurements.rows(values))
        >>> change = gap_changes(measurements, Comparison.of(measurements, baseline="bm25"))[0]
        >>> change.model, round(change.change, 2)
        ('student', 0.1)
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


def _parallel_gap(
    codes: Sequence[str], topics: np.ndarray, highs: Sequence[str], lows: Sequence[str]
) -> np.ndarray:
    """High minus low for each topic that every language has."""
    by_code = dict(zip(codes, topics, strict=True))
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


def _rank_correlation(topics: np.ndarray) -> float | None:
    from scipy.stats import spearmanr

    varying = topics[np.ptp(topics, axis=1) > 0]
    if len(varying) < 2 or varying.shape[1] < 3:
        return None
    correlation = np.atleast_2d(spearmanr(varying, axis=1).statistic)
    if correlation.shape == (1, 1):
        return float(correlation[0, 0])
    upper = correlation[np.triu_indices(len(correlation), 1)]
    return float(upper.mean())
