"""Paired tests over topics, corrected for many comparisons, and bootstrap intervals."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from optical_core.analysis.measurements import PerQuery, shared_topics
from optical_core.analysis.resampling import Contrast, bootstrap_intervals, sign_flip_p

Label = TypeVar("Label", bound=Hashable)
CORRECTIONS = {"holm": "Holm", "fdr_bh": "Benjamini-Hochberg"}
"""Corrections for many comparisons -> their names. Holm limits the family-wise error,
Benjamini-Hochberg the share of false discoveries."""


@dataclass(frozen=True)
class PairedTest:
    """A test of the differences of one language's topics, system minus baseline.

    Attributes:
        topics: how many there are.
        mean: mean difference.
        low: lower end of its 95 % percentile bootstrap interval.
        high: upper end of it.
        p_t: two-sided paired t test.
        p_wilcoxon: Wilcoxon's signed-rank test, topics without a difference left out.
        p_randomisation: sign-flip randomisation test.
        p_corrected: the randomisation test's p after correction over the family.
        effect: Cohen's d of the differences (mean / standard deviation); 0 if they don't vary.
    """

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
        """Whether the corrected p is below .05."""
        return self.p_corrected < 0.05


def paired_tests(
    differences: Mapping[Label, Sequence[float] | np.ndarray],
    *,
    correction: str = "holm",
    seed: int = 0,
) -> dict[Label, PairedTest]:
    """Test the differences of paired topics, one family of labelled samples.

    Args:
        differences: label -> a difference a topic, system minus baseline.
        correction: a key of `CORRECTIONS`, for the randomisation test's p.
        seed: of the bootstrap and of the randomisation test.

    Returns:
        Label -> test.

    Raises:
        ValueError: a sample without topics, or an unknown correction.

    Examples:
        >>> test = paired_tests({"so": [0.1, 0.2, 0.15, 0.05, 0.3, 0.1]})["so"]
        >>> round(test.mean, 2), test.p_randomisation, test.significant
        (0.15, 0.03125, True)
    """
    samples = {label: np.asarray(values, float) for label, values in differences.items()}
    for label, sample in samples.items():
        if not len(sample):
            raise ValueError(f"{label}: there is no topic to compare")
    intervals = bootstrap_intervals([[(1.0, sample)] for sample in samples.values()], seed=seed)
    randomised = sign_flip_p(list(samples.values()), seed=seed)
    corrected = corrected_p(randomised, correction)
    return {
        label: PairedTest(
            topics=len(sample),
            mean=float(sample.mean()),
            low=low,
            high=high,
            p_t=_student_p(sample),
            p_wilcoxon=float(stats.wilcoxon(sample).pvalue) if sample.any() else 1.0,
            p_randomisation=p,
            p_corrected=p_corrected,
            effect=_effect(sample),
        )
        for (label, sample), (low, high), p, p_corrected in zip(
            samples.items(), intervals, randomised, corrected, strict=True
        )
    }


def stars(p: float) -> str:
    """Mark a p value as papers do: * below .05, ** below .01, *** below .001.

    Examples:
        >>> stars(0.2), stars(0.04), stars(0.0001)
        ('', '*', '***')
    """
    return "*" * sum(p < limit for limit in (0.05, 0.01, 0.001))


def corrected_p(values: Sequence[float], correction: str = "holm") -> list[float]:
    """Correct the p values of one family for their number.

    Raises:
        ValueError: the correction isn't in `CORRECTIONS`.

    Examples:
        >>> corrected_p([0.01, 0.5])
        [0.02, 0.5]
    """
    if correction not in CORRECTIONS:
        raise ValueError(f"unknown correction {correction!r}: use {' or '.join(CORRECTIONS)}")
    return [float(p) for p in multipletests(values, method=correction)[1]] if values else []


@dataclass(frozen=True)
class GroupTest:
    """A test of the mean over a group of languages, system minus baseline.

    Attributes:
        languages: of the group.
        topics: needs that all languages have (parallel), or the topics of all languages together.
        mean: mean difference over topics, then over languages.
        low: lower end of its 95 % percentile bootstrap interval.
        high: upper end of it.
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


def group_tests(
    groups: Sequence[PerQuery], *, parallel: bool, seed: int = 0
) -> list[GroupTest | None]:
    """Compare two systems on groups of languages, by the differences of their topics.

    Args:
        groups: for each group the differences, system minus baseline, by language and topic.
        parallel: whether a topic is the same need in every language. If so, the unit is the need,
            with its mean difference over the languages; only needs that all languages have count.
            Else each language has its own topics: the bootstrap resamples them within the language,
            the randomisation test flips each topic's sign by itself, and the statistic of both is
            the mean of the languages' means.
        seed: of the bootstrap and of the randomisation test.

    Returns:
        A test a group; None for a group without a language, or without a topic to compare.

    Examples:
        >>> import pandas as pd
        >>> group = {code: pd.Series({"q1": 0.1, "q2": 0.3}) for code in ("so", "sw")}
        >>> test = group_tests([group], parallel=True)[0]
        >>> test.languages, test.topics, round(test.mean, 2)
        (('so', 'sw'), 2, 0.2)
    """
    samples = [_strata(differences, parallel) for differences in groups]
    present = [strata for strata in samples if strata]
    contrasts: list[Contrast] = [[(1 / len(strata), s) for s in strata] for strata in present]
    intervals = iter(bootstrap_intervals(contrasts, seed=seed))
    # Each topic weighs 1 / (number of its language's topics). Flipping the signs of these shares
    # of the mean of means is the stratified test.
    shares = [np.concatenate([stratum / len(stratum) for stratum in strata]) for strata in present]
    randomised = iter(sign_flip_p(shares, seed=seed))
    return [
        _group_test(tuple(differences), strata, next(intervals), next(randomised))
        if strata
        else None
        for differences, strata in zip(groups, samples, strict=True)
    ]


def _strata(differences: PerQuery, parallel: bool) -> list[np.ndarray]:
    """Samples to resample separately: one of needs if parallel, else one a language."""
    if not differences or not all(map(len, differences.values())):
        return []
    if not parallel:
        return [values.to_numpy() for values in differences.values()]
    matrix = shared_topics(differences)
    return [matrix.mean(0)] if matrix.size else []


def _group_test(
    languages: tuple[str, ...],
    strata: Sequence[np.ndarray],
    interval: tuple[float, float],
    p: float,
) -> GroupTest:
    mean = float(np.mean([stratum.mean() for stratum in strata]))
    spread = [stratum.var(ddof=1) if len(stratum) > 1 else 0.0 for stratum in strata]
    deviation = float(np.mean(spread)) ** 0.5
    return GroupTest(
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
    """Compute the percentile bootstrap interval of a mean over topics: (low, high).

    Examples:
        >>> bootstrap_interval([0.5, 0.5, 0.5])
        (0.5, 0.5)
    """
    sample = np.asarray(values, float)
    return bootstrap_intervals([[(1.0, sample)]], confidence=confidence, seed=seed)[0]


def _student_p(difference: np.ndarray) -> float:
    if len(difference) < 2 or not difference.any():
        return 1.0
    # If the differences don't vary, t is infinite.
    return 0.0 if np.ptp(difference) == 0 else float(stats.ttest_1samp(difference, 0).pvalue)


def _effect(difference: np.ndarray) -> float:
    deviation = difference.std(ddof=1) if len(difference) > 1 else 0.0
    return float(difference.mean() / deviation) if deviation > 0 else 0.0
