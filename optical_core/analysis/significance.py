"""Paired tests over topics, corrected for many comparisons, and bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

RESAMPLES = 10_000
BLOCK = 500
CORRECTIONS = {"holm": "Holm", "fdr_bh": "Benjamini-Hochberg"}
"""Corrections for many comparisons, and their names: family-wise error, or false discoveries."""


@dataclass(frozen=True)
class Comparison:
    """A paired comparison of one language's topics, system minus baseline.

    mean, low, high: mean difference and its 95 % percentile bootstrap interval.
    p_t, p_wilcoxon, p_randomisation: two-sided paired t test, Wilcoxon's signed-rank test (topics
                without a difference left out) and sign-flip randomisation test.
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
    found = []
    for label, (system, baseline) in pairs.items():
        if len(system) != len(baseline) or not len(system):
            raise ValueError(
                f"{label}: the two systems need values of the same topics, "
                f"got {len(system)} and {len(baseline)}"
            )
        difference = np.asarray(system, float) - np.asarray(baseline, float)
        found.append((label, difference, _paired_tests(difference.tobytes(), seed)))
    corrected = corrected_p([tests[-1] for *_, tests in found], correction)
    return [
        Comparison(
            label,
            len(difference),
            float(difference.mean()),
            *bootstrap_interval(difference, seed=seed),
            *tests,
            p_corrected=p,
            effect=_effect(difference),
        )
        for (label, difference, tests), p in zip(found, corrected, strict=True)
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

    topics:    needs that all languages have (parallel), or the topics of all languages together.
    mean:      mean over languages of the mean difference over topics; 95 % interval low to high.
    p:         two-sided sign-flip randomisation test.
    effect:    Cohen's d. Parallel: of the per-topic means over languages, which vary less the more
               languages there are. Else: mean / root of the languages' mean variance.
    """

    languages: tuple[str, ...]
    topics: int
    mean: float
    low: float
    high: float
    p: float
    effect: float


def compare_group(
    differences: Mapping[str, Mapping[str, float]], *, parallel: bool, seed: int = 0
) -> GroupComparison | None:
    """Compare two systems on a group: language -> topic -> difference, system minus baseline.

    parallel: a topic is the same need in every language. The unit is then the need: its mean
    difference over the languages, for needs that all languages have. Else each language's
    topics are its own: the bootstrap resamples topics within each language, and the
    randomisation test flips the sign of each topic by itself; the statistic of both is the mean
    of the languages' means.

    None if there is no language, or no topic to compare.
    """
    if not differences or not all(differences.values()):
        return None
    languages = tuple(differences)
    if parallel:
        topics = sorted(set.intersection(*(set(found) for found in differences.values())))
        if not topics:
            return None
        matrix = np.array([[found[topic] for topic in topics] for found in differences.values()])
        sample = matrix.mean(0)
        low, high = bootstrap_interval(sample, seed=seed)
        p, effect = _sign_flip(sample.tobytes(), seed), _effect(sample)
        return GroupComparison(languages, len(topics), float(sample.mean()), low, high, p, effect)
    strata = [np.array(list(found.values()), float) for found in differences.values()]
    mean = float(np.mean([stratum.mean() for stratum in strata]))
    # A language's topics weigh 1 / their number: flipping signs of these shares of the mean of
    # means is the stratified test.
    shares = np.concatenate([stratum / len(stratum) for stratum in strata])
    variance = float(
        np.mean([stratum.var(ddof=1) if len(stratum) > 1 else 0 for stratum in strata])
    )
    low, high = _stratified_interval(tuple(stratum.tobytes() for stratum in strata), seed)
    return GroupComparison(
        languages=languages,
        topics=len(shares),
        mean=mean,
        low=low,
        high=high,
        p=_sign_flip(shares.tobytes(), seed),
        effect=mean / variance**0.5 if variance > 0 else 0.0,
    )


def resampled_means(
    strata: Sequence[np.ndarray], generator: np.random.Generator, resamples: int = RESAMPLES
) -> np.ndarray:
    """Bootstrap the mean of the strata's means, each stratum resampled by itself: (resamples,)."""
    means = []
    # In blocks: all resamples of a large collection at once would fill the memory.
    for stratum in strata:
        blocks = [
            stratum[generator.integers(0, len(stratum), (BLOCK, len(stratum)))].mean(1)
            for _ in range(resamples // BLOCK)
        ]
        means.append(np.concatenate(blocks))
    return np.mean(means, axis=0)


def bootstrap_interval(
    values: Sequence[float] | np.ndarray, *, confidence: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean over topics."""
    return _bootstrap(np.asarray(values, float).tobytes(), confidence, seed)


@lru_cache(maxsize=8192)
def _bootstrap(values: bytes, confidence: float, seed: int) -> tuple[float, float]:
    # Kept: a page asks again for most intervals whenever a choice of languages changes.
    sample = np.frombuffer(values, float)
    if len(sample) < 2 or np.ptp(sample) == 0:
        return float(sample.mean()), float(sample.mean())
    means = resampled_means([sample], np.random.default_rng(seed))
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


@lru_cache(maxsize=1024)
def _stratified_interval(strata: tuple[bytes, ...], seed: int) -> tuple[float, float]:
    samples = [np.frombuffer(stratum, float) for stratum in strata]
    low, high = np.quantile(resampled_means(samples, np.random.default_rng(seed)), [0.025, 0.975])
    return float(low), float(high)


@lru_cache(maxsize=8192)
def _paired_tests(values: bytes, seed: int) -> tuple[float, float, float]:
    difference = np.frombuffer(values, float)
    if len(difference) < 2 or not difference.any():
        return 1.0, 1.0, 1.0
    p_t = 0.0 if np.ptp(difference) == 0 else float(stats.ttest_1samp(difference, 0).pvalue)
    return p_t, float(stats.wilcoxon(difference).pvalue), _sign_flip(values, seed)


@lru_cache(maxsize=8192)
def _sign_flip(values: bytes, seed: int) -> float:
    difference = np.frombuffer(values, float)
    if len(difference) < 2 or not difference.any():
        return 1.0
    result = stats.permutation_test(
        (difference,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=BLOCK,
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)


def _effect(difference: np.ndarray) -> float:
    deviation = difference.std(ddof=1) if len(difference) > 1 else 0.0
    return float(difference.mean() / deviation) if deviation > 0 else 0.0
