"""Sign flips and bootstraps of whole families at once: one matrix product for all their samples.

Samples of the same sizes share their signs, or their resampling counts. These depend only on the
seed and the sizes, so a sample's result is the same in any family and by itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np

RESAMPLES = 10_000
BLOCK = 2**20
"""Entries of the largest matrix in memory (8 MiB in fp64), unless one row has more."""
TIE = 1e-12
"""Sums that differ by less than this share of the sample's summed sizes count as equal."""

Contrast = Sequence[tuple[float, np.ndarray]]
"""Weighted samples. The statistic is the sum of weight times mean; each is resampled by itself."""


def sign_flip_p(
    samples: Sequence[np.ndarray], *, resamples: int = RESAMPLES, seed: int = 0
) -> list[float]:
    """Test each sample's mean by flipping signs, two-sided.

    The p is exact over all 2^n signs if there are at most `resamples` of them. Else `resamples`
    are drawn and p = (count + 1) / (resamples + 1), which counts the observed signs, too (Phipson
    and Smyth 2010).

    Returns:
        A p a sample; 1 for a sample of fewer than two values, or of zeros.

    Examples:
        >>> sign_flip_p([np.array([0.1, 0.2, 0.3])])
        [0.25]
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
    """Compute the percentile bootstrap interval of each contrast.

    Returns:
        (low, high) a contrast; both are its value if it doesn't vary.

    Examples:
        >>> bootstrap_intervals([[(1.0, np.array([0.5, 0.5, 0.5]))]])
        [(0.5, 0.5)]
    """
    tail = (1 - confidence) / 2
    intervals = [(point := _observed(contrast), point) for contrast in contrasts]
    varying = [i for i, contrast in enumerate(contrasts) if _varies(contrast)]
    sizes = [tuple(len(values) for _, values in contrasts[i]) for i in varying]
    # Quantiles need all resampled statistics of a contrast: a block's worth of them at a time.
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
    """Half of all sign patterns: the others are their opposites, and the test is two-sided."""
    half = 2 ** (topics - 1)
    for begin in range(0, half, rows):
        patterns = np.arange(begin, min(begin + rows, half))
        yield 1.0 - 2.0 * (patterns[:, None] >> np.arange(topics) & 1)


def _drawn_signs(topics: int, rows: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Draw whole words for each row, so the size of the blocks doesn't matter."""
    generator = np.random.default_rng(seed)
    for begin in range(0, resamples, rows):
        shape = min(rows, resamples - begin), -(-topics // 64)
        words = generator.integers(0, 2**64, shape, dtype=np.uint64)
        yield 1.0 - 2.0 * np.unpackbits(words.view(np.uint8), axis=1, count=topics)


def _rows(columns: np.ndarray) -> int:
    """How many resamples a block has: neither matrix nor product exceeds BLOCK entries."""
    return max(1, BLOCK // max(columns.shape))


def _alike(members: Sequence[int], keys: Sequence[Hashable]) -> Iterable[list[int]]:
    """Group members by key, in their order."""
    groups: dict[Hashable, list[int]] = {}
    for member, key in zip(members, keys, strict=True):
        groups.setdefault(key, []).append(member)
    return groups.values()
