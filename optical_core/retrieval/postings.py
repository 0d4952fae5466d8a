"""Postings: which passages have a vector near each centroid, and the choice of candidates by them.

Each query token probes its nearest centroids. A passage gains from a token the similarity of the
best probed centroid that one of its vectors is near to, less that of the last one probed: what it
might have beyond the probes counts as that (Lee et al. 2023, XTR; Santhanam et al. 2022, PLAID).
In C if it can be compiled, else in NumPy, with equal results.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from optical_core import native
from optical_core.threads import at_once

_LEAST_PASSAGES = 1 << 14
"""Fewest passages that get a thread of their own."""
_DECLARATIONS = """
void optical_probe(const float *products, int64_t count, int64_t n, int64_t each, int64_t *numbers,
                   float *values);
int64_t optical_choose(const int64_t *starts, const int32_t *passages, const int64_t *probes,
                       const float *gains, int64_t n, int64_t each, float most, int64_t from,
                       int64_t to, const uint8_t *allowed, int64_t wanted, int32_t *chosen,
                       float *sums);
"""


def library() -> tuple[Any, Any] | None:
    """cffi's (ffi, library) of postings.c; None if it can't be compiled."""
    return native.library(Path(__file__).with_name("postings.c"), _DECLARATIONS, "-O2")


@dataclass(frozen=True)
class Postings:
    """Passages by centroid.

    Attributes:
        starts: (C + 1,) int64, where each centroid's postings begin.
        passages: (N,) int32, ascending positions of passages for each centroid.

    Examples:
        >>> numbers, offsets = np.array([1, 0, 1, 1], np.uint16), np.array([0, 2, 4])
        >>> postings = Postings.of(numbers, offsets, centroids=2)
        >>> postings.starts, postings.passages
        (array([0, 1, 3]), array([0, 0, 1], dtype=int32))
    """

    starts: np.ndarray
    passages: np.ndarray

    @classmethod
    def of(cls, numbers: np.ndarray, offsets: np.ndarray, centroids: int) -> Postings:
        """Postings of passages whose vectors' centroids are known.

        Args:
            numbers: (T,) uint16, the nearest centroid of each vector.
            offsets: (P + 1,) where each passage's vectors begin.
            centroids: their number, C.
        """
        order = np.argsort(numbers, kind="stable")  # two bytes are sorted in two passes
        owners = np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets))[order]
        kept = np.ones(len(order), bool)
        sorted_numbers = numbers[order]
        kept[1:] = (owners[1:] != owners[:-1]) | (sorted_numbers[1:] != sorted_numbers[:-1])
        counts = np.bincount(sorted_numbers[kept], minlength=centroids)
        return cls(np.concatenate([[0], np.cumsum(counts)]), owners[kept])

    def best(
        self,
        probes: np.ndarray,
        gains: np.ndarray,
        wanted: int,
        total: int,
        allowed: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Passages with the largest sums of gains, and their sums; in no order.

        Args:
            probes: (n, k) centroids of each query token, the nearest first.
            gains: (n, k) fp32, what a passage near to one gains; none is negative.
            wanted: so many are sure to be among them, and all that equal the last of these.
            total: number of passages, P.
            allowed: (P,) bool, which may come; None for all.
        """
        compiled = library()
        if compiled is None:
            return self._best_in_numpy(probes, gains, total, allowed)
        ffi, kernel = compiled
        probes, gains = np.ascontiguousarray(probes), np.ascontiguousarray(gains)
        threads = max(1, min(torch.get_num_threads(), total // _LEAST_PASSAGES))
        bounds = np.linspace(0, total, threads + 1).astype(int).tolist()
        found: dict[int, tuple[np.ndarray, np.ndarray]] = {}

        def work(part: tuple[int, int]) -> None:
            begin, end = part
            chosen, sums = np.empty(end - begin, np.int32), np.empty(end - begin, np.float32)
            count = kernel.optical_choose(
                ffi.from_buffer("int64_t[]", self.starts),
                ffi.from_buffer("int32_t[]", self.passages),
                ffi.from_buffer("int64_t[]", probes),
                ffi.from_buffer("float[]", gains),
                *probes.shape,
                gains[:, 0].sum(),
                begin,
                end,
                ffi.NULL if allowed is None else ffi.from_buffer("uint8_t[]", allowed.view("u1")),
                wanted,
                ffi.from_buffer("int32_t[]", chosen, require_writable=True),
                ffi.from_buffer("float[]", sums, require_writable=True),
            )
            if count < 0:
                raise MemoryError("no memory for a window of passages")
            found[begin] = chosen[:count].astype(np.int64), sums[:count]

        at_once(list(pairwise(bounds)), work)
        parts = [found[begin] for begin in bounds[:-1]]
        return np.concatenate([p for p, _ in parts]), np.concatenate([s for _, s in parts])

    def _best_in_numpy(
        self, probes: np.ndarray, gains: np.ndarray, total: int, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        sums, met = np.zeros(total, np.float32), np.zeros(total, bool)
        for row, values in zip(probes, gains, strict=True):
            best = np.zeros(total, np.float32)
            for probe, value in zip(row[::-1], values[::-1], strict=True):
                near = self.passages[self.starts[probe] : self.starts[probe + 1]]
                best[near], met[near] = value, True
            sums += best
        positions = np.flatnonzero(met if allowed is None else met & allowed)
        return positions, sums[positions]


def nearest(products: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and values (n, k) of the largest of products (C, n), the largest first.

    Args:
        products: of centroids and query tokens, fp32.
        count: k, at most C.
    """
    compiled = library()
    centroids, tokens = products.shape
    if compiled is None:
        found = torch.from_numpy(products).T.topk(count, dim=1)
        return found.indices.numpy(), found.values.numpy()
    ffi, kernel = compiled
    numbers, values = np.empty((tokens, count), np.int64), np.empty((tokens, count), np.float32)
    kernel.optical_probe(
        ffi.from_buffer("float[]", products),
        centroids,
        tokens,
        count,
        ffi.from_buffer("int64_t[]", numbers, require_writable=True),
        ffi.from_buffer("float[]", values, require_writable=True),
    )
    return numbers, values
