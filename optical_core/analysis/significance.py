"""Paired tests over topics, corrected for many comparisons, and bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from optical_core.analysis.resampling import Contrast, bootstrap_intervals, sign_flip_p

CORRECTIONS = {"holm": "Holm", "fdr_bh": "Benjamini-Hochberg"}
"""Corrections for many comparisons, and their names: family-wise error, or false discoveries."""


@dataclass(frozen=True)
class Comparison:
    """A paired comparison of one language's topics, system minus baseline.

    Attributes:
        mean: mean difference.
        low: lower end of its 95 % percentile bootstrap interval.
        high: upper end of it.
        p_t: two-sided paired t test.
        p_wilcoxon: Wilcoxon's signed-rank test, topics without a difference left out.
        p_randomisation: sign-flip randomisation test.
        p_corrected: the randomisation test's p after correction over the family.
        effect: Cohen's d of the differences (mean / standard deviation); 0 if they don't vary.
    """

    label: str
    topics: int
    mean: float
    low: float
    high: float
    p_t: float
    p_wilcoxon: float
    p_randomisation: float
    p_corrected: float
    effect: float

    @property
    def significant(self) -> bool:
        return self.p_corrected < 0.05


def compare(
    pairs: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    correction: str = "holm",
    seed: int = 0,
) -> list[Comparison]:
    """Compare (system, baseline) values of the same topics, one family of labelled pairs.

    correction: `holm`, or `fdr_bh` (Benjamini-Hochberg), of the randomisation test's p.

    Raises ValueError if two sides of a pair have different lengths, or are empty, and for an
    unknown correction.
    """
    differences = []
    for label, (system, baseline) in pairs.items():
        if len(system) != len(baseline) or not len(system):
            raise ValueError(
                f"{label}: the two systems need values of the same topics, "
                f"got {len(system)} and {len(baseline)}"
            )
        differences.append(np.asarray(system, float) - np.asarray(baseline, float))
    intervals = bootstrap_intervals([[(1.0, found)] for found in differences], seed=seed)
    randomised = sign_flip_p(differences, seed=seed)
    corrected = corrected_p(randomised, correction)
    return [
        Comparison(
            label=label,
            topics=len(difference),
            mean=float(difference.mean()),
            low=low,
            high=high,
            p_t=_student_p(difference),
            p_wilcoxon=float(stats.wilcoxon(difference).pvalue) if difference.any() else 1.0,
            p_randomisation=p,
            p_corrected=p_corrected,
            effect=_effect(difference),
        )
        for label, difference, (low, high), p, p_corrected in zip(
            pairs, differences, intervals, randomised, corrected, strict=True
        )
    ]


def corrected_p(values: Sequence[float], correction: str = "holm") -> list[float]:
    """The p values of one family, corrected for their number.

    Raises ValueError for a correction that isn't in `CORRECTIONS`.
    """
    if correction not in CORRECTIONS:
        raise ValueError(f"unknown correction {correction!r}: use {' or '.join(CORRECTIONS)}")
    return [float(p) for p in multipletests(values, method=correction)[1]] if values else []


@dataclass(frozen=True)
class GroupComparison:
    """A paired comparison of the mean over a group of languages, system minus baseline.

    Attributes:
        topics: needs that all languages have (parallel), or the topics of all languages together.
        mean: mean over languages of the mean difference over topics; 95 % interval low to high.
        p: two-sided sign-flip randomisation test.
        effect: Cohen's d. Parallel: of the per-topic means over languages, which vary less the more
            languages there are. Else: mean / root of the languages' mean variance.
    """

    languages: tuple[str, ...]
    topics: int
    mean: float
    low: float
    high: float
    p: float
    effect: float


Differences = Mapping[str, Mapping[str, float]]
"""Language -> topic -> difference, system minus baseline."""


def compare_group(
    differences: Differences, *, parallel: bool, seed: int = 0
) -> GroupComparison | None:
    """Compare two systems on a group of languages.

    parallel: a topic is the same need in every language. The unit is then the need: its mean
    difference over the languages, for needs that all languages have. Else each language's
    topics are its own: the bootstrap resamples topics within each language, and the
    randomisation test flips the sign of each topic by itself; the statistic of both is the mean
    of the languages' means.

    None if there is no language, or no topic to compare.
    """
    return compare_groups([differences], parallel=parallel, seed=seed)[0]


def compare_groups(
    groups: Sequence[Differences], *, parallel: bool, seed: int = 0
) -> list[GroupComparison | None]:
    """`compare_group` of each group, computed together."""
    samples = [_strata(differences, parallel) for differences in groups]
    present = [strata for strata in samples if strata]
    contrasts: list[Contrast] = [[(1 / len(strata), s) for s in strata] for strata in present]
    intervals = iter(bootstrap_intervals(contrasts, seed=seed))
    # A language's topics weigh 1 / their number: flipping signs of these shares of the mean of
    # means is the stratified test.
    shares = [np.concatenate([stratum / len(stratum) for stratum in strata]) for strata in present]
    randomised = iter(sign_flip_p(shares, seed=seed))
    return [
        _group_comparison(tuple(differences), strata, next(intervals), next(randomised))
        if strata
        else None
        for differences, strata in zip(groups, samples, strict=True)
    ]


def _strata(differences: Differences, parallel: bool) -> list[np.ndarray]:
    """Samples that are resampled apart: one of needs if parallel, else one a language."""
    if not differences or not all(differences.values()):
        return []
    if not parallel:
        return [np.array(list(found.values()), float) for found in differences.values()]
    topics = sorted(set.intersection(*(set(found) for found in differences.values())))
    matrix = np.array([[found[topic] for topic in topics] for found in differences.values()])
    return [matrix.mean(0)] if topics else []


def _group_comparison(
    languages: tuple[str, ...],
    strata: Sequence[np.ndarray],
    interval: tuple[float, float],
    p: float,
) -> GroupComparison:
    mean = float(np.mean([stratum.mean() for stratum in strata]))
    spread = [stratum.var(ddof=1) if len(stratum) > 1 else 0.0 for stratum in strata]
    deviation = float(np.mean(spread)) ** 0.5
    return GroupComparison(
        languages=languages,
        topics=sum(map(len, strata)),
        mean=mean,
        low=interval[0],
        high=interval[1],
        p=p,
        effect=mean / deviation if deviation > 0 else 0.0,
    )


def bootstrap_interval(
    values: Sequence[float] | np.ndarray, *, confidence: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean over topics."""
    sample = np.asarray(values, float)
    return bootstrap_intervals([[(1.0, sample)]], confidence=confidence, seed=seed)[0]


def _student_p(difference: np.ndarray) -> float:
    if len(difference) < 2 or not difference.any():
        return 1.0
    # Where the differences don't vary, t is infinite.
    return 0.0 if np.ptp(difference) == 0 else float(stats.ttest_1samp(difference, 0).pvalue)


def _effect(difference: np.ndarray) -> float:
    deviation = difference.std(ddof=1) if len(difference) > 1 else 0.0
    return float(difference.mean() / deviation) if deviation > 0 else 0.0
