"""The nearest centroid in groups, by 8-bit products: in C if it can be compiled, else in torch.

Both ways give equal results: products are whole numbers, rounded in the same places (see maxsim.c
and nearest.h).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from optical_core.retrieval import int8_kernel
from optical_core.retrieval.int8_kernel import PATHS
from optical_core.threads import at_once

_ROWS = 1 << 14
"""Vectors that torch compares at a time."""


@dataclass(frozen=True, eq=False)
class Points:
    """Vectors (P, d) in 8 bits, to compare others with.

    Attributes:
        codes: (P, d) int8.
        scales: (P,) fp32.
        halves: (P,) fp32, of their squares.
        blocks: the same codes and scales, as maxsim.c reads them.
    """

    codes: Tensor
    scales: Tensor
    halves: np.ndarray
    blocks: np.ndarray

    @classmethod
    def of(cls, vectors: Tensor) -> Points:
        """Round vectors (P, d) fp32."""
        halves = (vectors.square().sum(1) / 2).numpy()
        return cls(*int8_kernel.quantise(vectors), halves, int8_kernel.pack(vectors))

    def nearness(self, codes: Tensor, scales: Tensor, part: slice) -> Tensor:
        """Products of codes (T, d) and scales (T,) with some of these, less their halves."""
        products = codes.float() @ self.codes[part].float().T
        return products * self.scales[part] * scales[:, None] - torch.from_numpy(self.halves[part])


@dataclass(frozen=True, eq=False)
class Grouped:
    """Centroids in groups, and the groups' means.

    Attributes:
        starts: (G + 1,) int64, where each group begins.
        centroids: of all groups, one after another.
        means: of the groups.
    """

    starts: np.ndarray
    centroids: Points
    means: Points

    @classmethod
    def of(cls, vectors: Tensor, starts: Tensor) -> Grouped:
        """Round centroids (C, d) fp32 and the means of their groups."""
        means = [part.mean(0) for part in vectors.split(starts.diff().tolist())]
        return cls(starts.numpy(), Points.of(vectors), Points.of(torch.stack(means)))


def nearest(grouped: Grouped, vectors: Tensor, probed: int, *, path: str | None = None) -> Tensor:
    """The number (T,) of the nearest centroid to each of vectors (T, d) fp32.

    Args:
        grouped: the centroids.
        vectors: finite ones.
        probed: groups in which it is looked for: those with the nearest means.
        path: as of `int8_kernel.maxsim`.
    """
    codes, scales = int8_kernel.quantise(vectors)
    groups = len(grouped.starts) - 1
    probed = min(probed, groups)
    compiled = int8_kernel.compiled_or_torch(path)
    if compiled is None:
        parts = zip(codes.split(_ROWS), scales.split(_ROWS), strict=True)
        found = [_nearest_in_torch(grouped, *part, probed) for part in parts]
        return torch.cat(found) if found else torch.zeros(0, dtype=torch.int64)
    ffi, kernel = compiled
    which = PATHS.index(int8_kernel.chosen(kernel, path))
    numbers, factors = np.empty(len(vectors), np.int32), scales.numpy()
    means, centroids, width = grouped.means, grouped.centroids, -(-vectors.shape[1] // 4) * 4
    rows = int8_kernel.padded_to(codes, width)

    def work(part: slice) -> None:
        view = ffi.from_buffer
        if kernel.optical_nearest(
            which,
            view("uint8_t[]", centroids.blocks),
            view("float[]", centroids.halves),
            view("int64_t[]", grouped.starts),
            view("uint8_t[]", means.blocks),
            view("float[]", means.halves),
            groups,
            np.diff(grouped.starts).max(),
            width,
            view("int8_t[]", rows[part]),
            view("float[]", factors[part]),
            len(factors[part]),
            probed,
            view("int32_t[]", numbers[part], require_writable=True),
        ):
            raise MemoryError("no memory to compare vectors with centroids")

    at_once(int8_kernel.parts(len(vectors)), work)
    return torch.from_numpy(numbers).long()


def _nearest_in_torch(grouped: Grouped, codes: Tensor, scales: Tensor, probed: int) -> Tensor:
    """One group after another, with all vectors that look for their centroid there."""
    nearness = grouped.means.nearness(codes, scales, slice(None))
    groups = nearness.topk(probed, dim=1).indices.flatten()
    rows = groups.argsort(stable=True) // probed
    best = torch.full((len(codes),), -torch.inf)
    numbers = torch.zeros(len(codes), dtype=torch.int64)
    counts = torch.bincount(groups, minlength=len(grouped.starts) - 1).tolist()
    bounds = zip(grouped.starts, grouped.starts[1:], rows.split(counts), strict=False)
    for begin, end, mine in bounds:
        near = grouped.centroids.nearness(codes[mine], scales[mine], slice(begin, end)).max(1)
        better = near.values > best[mine]
        best[mine[better]] = near.values[better]
        numbers[mine[better]] = near.indices[better] + int(begin)
    return numbers
