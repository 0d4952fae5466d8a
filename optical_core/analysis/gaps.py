"""Language gaps: how much worse low-resource queries fare than high-resource ones.

Raw differences between languages mean something on a parallel collection alone (the same
information needs in every language). Elsewhere the difference between two systems is compared
between languages (difference in differences).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optical_core.analysis.significance import RESAMPLES, bootstrap_interval, resampled_means
from optical_core.data.languages import HIGH_RESOURCE, LOW_RESOURCE

PerQuery = Mapping[str, Mapping[str, float]]
"""Language -> query -> value of one measure."""


@dataclass(frozen=True)
class LanguageGap:
    """Gap of one model on one collection.

    high, low:  mean over the group's languages of the mean over topics.
    absolute:   high - low; relative: absolute / high.
    interval:   95 % bootstrap interval of `absolute`: over topics shared by all languages
                (paired) on a parallel collection, else over each language's own.
    worst:      the language with the lowest mean.
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
    highs = [code for code in per_query if code in high]
    lows = [code for code in per_query if code in low]
    if not highs or not lows:
        return None
    means = {code: float(np.mean(list(values.values()))) for code, values in per_query.items()}
    high_mean = float(np.mean([means[code] for code in highs]))
    low_mean = float(np.mean([means[code] for code in lows]))
    worst = min(means, key=lambda code: means[code])
    if parallel:
        matrix = _shared_topics(per_query)
        position = {code: index for index, code in enumerate(per_query)}
        per_topic = matrix[[position[c] for c in highs]].mean(0)
        per_topic = per_topic - matrix[[position[c] for c in lows]].mean(0)
        interval = bootstrap_interval(per_topic, seed=seed)
    else:
        values = {code: np.array(list(found.values())) for code, found in per_query.items()}
        interval = _independent_interval(values, highs, lows, seed)
    return LanguageGap(
        model=model,
        high=high_mean,
        low=low_mean,
        absolute=high_mean - low_mean,
        relative=(high_mean - low_mean) / high_mean if high_mean else 0.0,
        interval=interval,
        worst=worst,
        worst_value=means[worst],
        rank_correlation=_rank_correlation(per_query) if parallel else None,
    )


@dataclass(frozen=True)
class GapChange:
    """How much a model narrows the gap of a baseline: difference in differences.

    high, low:  mean over the group's languages of the mean paired difference to the baseline.
    change:     low - high: above 0, the low-resource languages gain more. 95 % `interval`.
    """

    model: str
    baseline: str
    high: float
    low: float
    change: float
    interval: tuple[float, float]


def gap_change(
    model: str,
    baseline: str,
    ours: PerQuery,
    theirs: PerQuery,
    *,
    high: Sequence[str] = HIGH_RESOURCE,
    low: Sequence[str] = LOW_RESOURCE,
    seed: int = 0,
) -> GapChange | None:
    """Difference in differences of two models; None if either group has no language here.

    It needs no parallel collection: each language's queries are compared with themselves.
    """
    differences = {
        code: np.array(list(found.values()))
        for code, found in paired_differences(ours, theirs).items()
    }
    highs = [code for code in differences if code in high]
    lows = [code for code in differences if code in low]
    if not highs or not lows:
        return None
    high_mean = float(np.mean([differences[code].mean() for code in highs]))
    low_mean = float(np.mean([differences[code].mean() for code in lows]))
    interval = _independent_interval(differences, lows, highs, seed)
    return GapChange(model, baseline, high_mean, low_mean, low_mean - high_mean, interval)


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


def _independent_interval(
    values: Mapping[str, np.ndarray], first: Sequence[str], second: Sequence[str], seed: int
) -> tuple[float, float]:
    """95 % interval of mean(first) - mean(second), each language's topics resampled by itself."""
    generator = np.random.default_rng(seed)

    def resampled(codes: Sequence[str]) -> np.ndarray:
        return resampled_means([values[code] for code in codes], generator, RESAMPLES // 10)

    low, high = np.quantile(resampled(first) - resampled(second), [0.025, 0.975])
    return float(low), float(high)


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
