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


@dataclass(frozen=True)
class Comparison:
    """A paired comparison of one language's topics, system minus baseline.

    mean, low, high: mean difference and its 95 % percentile bootstrap interval.
    p_t, p_randomisation: two-sided paired t test and sign-flip randomisation test.
    p_corrected: the randomisation test's p after correction over the family.
    effect: Cohen's d of the differences (mean / standard deviation); 0 if they don't vary.
    """

    label: str
    topics: int
    mean: float
    low: float
    high: float
    p_t: float
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

    correction: `holm`, or `fdr_bh` (Benjamini-Hochberg).

    Raises ValueError if two sides of a pair have different lengths, or are empty.
    """
    found = []
    for label, (system, baseline) in pairs.items():
        if len(system) != len(baseline) or not len(system):
            raise ValueError(
                f"{label}: the two systems need values of the same topics, "
                f"got {len(system)} and {len(baseline)}"
            )
        difference = np.asarray(system, float) - np.asarray(baseline, float)
        low, high = bootstrap_interval(difference, seed=seed)
        found.append((label, difference, low, high, *_tests(difference, seed)))
    corrected = (
        multipletests([row[5] for row in found], method=correction)[1] if found else np.array([])
    )
    return [
        Comparison(
            label=label,
            topics=len(difference),
            mean=float(difference.mean()),
            low=low,
            high=high,
            p_t=p_t,
            p_randomisation=p_randomisation,
            p_corrected=float(p),
            effect=_effect(difference),
        )
        for (label, difference, low, high, p_t, p_randomisation), p in zip(
            found, corrected, strict=True
        )
    ]


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
    generator = np.random.default_rng(seed)
    # In blocks: all resamples of a large collection at once would fill the memory.
    means = np.concatenate(
        [
            sample[generator.integers(0, len(sample), (BLOCK, len(sample)))].mean(1)
            for _ in range(RESAMPLES // BLOCK)
        ]
    )
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def _tests(difference: np.ndarray, seed: int) -> tuple[float, float]:
    return _paired_tests(difference.tobytes(), seed)


@lru_cache(maxsize=8192)
def _paired_tests(values: bytes, seed: int) -> tuple[float, float]:
    difference = np.frombuffer(values, float)
    if len(difference) < 2 or not difference.any():
        return 1.0, 1.0
    p_t = 0.0 if np.ptp(difference) == 0 else float(stats.ttest_1samp(difference, 0).pvalue)
    result = stats.permutation_test(
        (difference,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(seed),
    )
    return p_t, float(result.pvalue)


def _effect(difference: np.ndarray) -> float:
    deviation = difference.std(ddof=1) if len(difference) > 1 else 0.0
    return float(difference.mean() / deviation) if deviation > 0 else 0.0
