"""Sign flips and bootstraps of whole families at once: one matrix product for all their samples.

Samples of the same sizes share their signs, or their resampling counts, which depend on the seed
and those sizes alone: what a sample comes to is the same in any family, and by itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np

RESAMPLES = 10_000
BLOCK = 2**20
"""Entries of the largest matrix that is held (8 MiB in fp64), if a row of it has no more."""
TIE = 1e-12
"""Sums closer than this share of the sample's summed sizes are equal but for rounding."""

Contrast = Sequence[tuple[float, np.ndarray]]
"""Weighted samples: the statistic is the sum of weight times mean, each sample drawn by itself."""


def sign_flip_p(
    samples: Sequence[np.ndarray], *, resamples: int = RESAMPLES, seed: int = 0
) -> list[float]:
    """Two-sided p of each sample's mean when every value may have either sign.

    Exact over all 2^n signs where there are no more than `resamples`; else (count + 1) /
    (resamples + 1) of as many drawn ones, which counts the signs observed (Phipson and Smyth
    2010). A sample of fewer than two values, or of zeros, has p = 1.
    """
    p_values = [1.0] * len(samples)
    tested = [i for i, values in enumerate(samples) if len(values) > 1 and np.any(values)]
    for members in _alike(tested, [len(samples[i]) for i in tested]):
        columns = np.stack([samples[i] for i in members], axis=1).astype(float)
        limits = np.abs(columns.sum(0)) - TIE * np.abs(columns).sum(0)
        topics, rows = len(columns), _rows(columns)
        exact = 2**topics <= resamples
        blocks = _every_sign(topics, rows) if exact else _drawn_signs(topics, rows, resamples, seed)
        counts, drawn = np.zeros(len(members)), 0
        for signs in blocks:
            counts += (np.abs(signs @ columns) >= limits).sum(0)
            drawn += len(signs)
        p = counts / drawn if exact else (counts + 1) / (drawn + 1)
        for i, value in zip(members, p.tolist(), strict=True):
            p_values[i] = value
    return p_values


def bootstrap_intervals(
    contrasts: Sequence[Contrast],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[tuple[float, float]]:
    """Percentile bootstrap interval of each contrast.

    One that doesn't vary has its value for both ends.
    """
    tail = (1 - confidence) / 2
    intervals = [(point := _observed(contrast), point) for contrast in contrasts]
    varying = [i for i, contrast in enumerate(contrasts) if _varies(contrast)]
    sizes = [tuple(len(values) for _, values in contrasts[i]) for i in varying]
    # The resampled statistics are kept for their quantiles: those of a block's worth at a time.
    most = max(1, BLOCK // resamples)
    for alike in _alike(varying, sizes):
        for members in (alike[k : k + most] for k in range(0, len(alike), most)):
            statistics = _resampled([contrasts[i] for i in members], resamples, seed)
            ends = np.quantile(statistics, [tail, 1 - tail], axis=0)
            for i, (low, high) in zip(members, ends.T.tolist(), strict=True):
                intervals[i] = low, high
    return intervals


def _observed(contrast: Contrast) -> float:
    return float(sum(weight * np.mean(values) for weight, values in contrast))


def _varies(contrast: Contrast) -> bool:
    return any(len(values) > 1 and np.ptp(values) > 0 for _, values in contrast)


def _resampled(contrasts: Sequence[Contrast], resamples: int, seed: int) -> np.ndarray:
    """(resamples, contrasts) statistics of contrasts whose samples have the same sizes."""
    generator = np.random.default_rng(seed)
    total = np.zeros((resamples, len(contrasts)))
    for part in zip(*contrasts, strict=True):
        columns = np.stack([weight * values for weight, values in part], axis=1)
        topics, rows = len(columns), _rows(columns)
        for begin in range(0, resamples, rows):
            block = total[begin : begin + rows]
            picks = generator.integers(0, topics, (len(block), topics))
            picks += topics * np.arange(len(block))[:, None]
            counts = np.bincount(picks.ravel(), minlength=picks.size).reshape(picks.shape)
            block += counts.astype(float) @ columns / topics
    return total


def _every_sign(topics: int, rows: int) -> Iterator[np.ndarray]:
    """Half of all sign patterns: the rest are their opposites, and two-sidedly the same."""
    half = 2 ** (topics - 1)
    for begin in range(0, half, rows):
        patterns = np.arange(begin, min(begin + rows, half))
        yield 1.0 - 2.0 * (patterns[:, None] >> np.arange(topics) & 1)


def _drawn_signs(topics: int, rows: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Whole words are drawn for each row, so that the size of the blocks changes nothing."""
    generator = np.random.default_rng(seed)
    for begin in range(0, resamples, rows):
        shape = min(rows, resamples - begin), -(-topics // 64)
        words = generator.integers(0, 2**64, shape, dtype=np.uint64)
        yield 1.0 - 2.0 * np.unpackbits(words.view(np.uint8), axis=1, count=topics)


def _rows(columns: np.ndarray) -> int:
    """Resamples in a block: neither their matrix nor its product has more than BLOCK entries."""
    return max(1, BLOCK // max(columns.shape))


def _alike(members: Sequence[int], keys: Sequence[Hashable]) -> Iterable[list[int]]:
    """Members with the same key, in their order."""
    groups: dict[Hashable, list[int]] = {}
    for member, key in zip(members, keys, strict=True):
        groups.setdefault(key, []).append(member)
    return groups.values()
