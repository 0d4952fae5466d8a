"""Centroids of token vectors: trained on a sample, and the nearest one of a vector.

Many centroids are trained in two steps: k-means of the sample into groups, then k-means in each
group. The nearest centroid is then looked for in the groups whose means are nearest. So 65,536
centroids take a hundredth of the products that comparing with each of them would take, and a
vector is nearly always as near to its centroid.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from optical_core.retrieval import centroid_kernel
from optical_core.retrieval.centroid_kernel import Grouped

MOST = 1 << 16
"""Their numbers have two bytes."""
FLAT = 1024
"""Up to so many are one group."""
PROBED = 4
"""Groups in which the nearest centroid is looked for."""
_PER_ROOT = 8
"""Centroids for the square root of the number of vectors; PLAID has 16."""
_POINTS = 40
"""Training vectors of a centroid: FAISS warns of fewer."""
_LEAST_POINTS = 8
"""Fewest training vectors of a centroid, on average."""
_ITERATIONS = 8
_MOVES = 2
"""Times that centroids of all groups are moved together."""
_ROWS = 1 << 14
"""Vectors whose centroids are looked for at a time."""


@dataclass(frozen=True, eq=False)
class Centroids:
    """Centroids of vectors, those of a group one after another.

    Attributes:
        vectors: (C, d) fp32.
        starts: (G + 1,) int64, where each group begins; None for a single group.

    Examples:
        >>> centroids = Centroids.train(torch.nn.functional.normalize(torch.randn(400, 16)), 8)
        >>> centroids.nearest(centroids.vectors)
        tensor([0, 1, 2, 3, 4, 5, 6, 7])
    """

    vectors: Tensor
    starts: Tensor | None = None

    @classmethod
    def train(cls, sample: Tensor, count: int) -> Centroids:
        """Train centroids.

        Args:
            sample: (T, d), fp16 or fp32, in random order.
            count: their number, at most T.
        """
        if count <= FLAT:
            return cls(_means(sample, count))
        groups = 1 << (count.bit_length() // 2)
        coarse = cls(_means(sample, groups))
        owners = torch.cat([coarse.nearest(part.float()) for part in sample.split(_ROWS)])
        members = torch.bincount(owners, minlength=groups)
        shares = _shares(members.numpy(), count)
        order = owners.argsort(stable=True)
        parts = [
            _means(sample[mine], share)
            for mine, share in zip(order.split(members.tolist()), shares.tolist(), strict=True)
            if share
        ]
        bounds = torch.from_numpy(np.concatenate([[0], np.cumsum(shares[shares > 0])]))
        found = cls(torch.cat(parts), bounds)
        for _ in range(_MOVES):
            found = cls(found._moved(sample), bounds)
        return found

    def _moved(self, sample: Tensor) -> Tensor:
        """Each centroid moved to the mean of the vectors to which it is the nearest of all."""
        sums, counts = torch.zeros_like(self.vectors), torch.zeros(len(self))
        for part in sample.split(_ROWS):
            numbers = self.nearest(part.float())
            sums.index_add_(0, numbers, part.float())
            counts += torch.bincount(numbers, minlength=len(self))
        means = sums / counts.clamp(1)[:, None]
        return torch.where(counts[:, None] > 0, means, self.vectors).half().float()

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def whole(self) -> bool:
        """Are there centroids, as many as their numbers can tell, each in one group?"""
        if not 0 < len(self) <= MOST:
            return False
        ends = (0, len(self))
        return self.starts is None or (
            tuple(self.starts[[0, -1]].tolist()) == ends and bool((self.starts.diff() > 0).all())
        )

    def nearest(self, vectors: Tensor) -> Tensor:
        """The number (T,) of the nearest centroid to each of vectors (T, d) fp32.

        Those in groups are compared in 8 bits, which takes another one only where two are as near.
        """
        if self.starts is None:
            rows = max(1, (1 << 24) // len(self))
            parts = [
                (part @ self.vectors.T - self.vectors.square().sum(1) / 2).argmax(1)
                for part in vectors.split(rows)
            ]
            return torch.cat(parts or [torch.zeros(0, dtype=torch.int64)])
        return centroid_kernel.nearest(self._grouped, vectors, PROBED)

    @cached_property
    def _grouped(self) -> Grouped:
        assert self.starts is not None
        return Grouped.of(self.vectors, self.starts)


def wanted(sample: int, total: int) -> int:
    """Number of centroids: a power of two up to 8 sqrt(T), as far as the sample can train them.

    Args:
        sample: vectors to train on.
        total: vectors there will be, T.

    Examples:
        >>> wanted(1 << 20, 1 << 20), wanted(1 << 20, 1 << 24), wanted(1 << 20, 1 << 30)
        (8192, 32768, 65536)
    """
    most = min(_PER_ROOT * total**0.5, sample / _LEAST_POINTS, MOST)
    return 1 << max(0, int(most).bit_length() - 1)


def sample_for(total: int) -> int:
    """Number of vectors that are enough to train the centroids of `total` vectors."""
    return 4 * _LEAST_POINTS * wanted(total, total)


def _means(sample: Tensor, count: int) -> Tensor:
    """K-means (count, d), rounded as they are stored: opened ones are the same as new ones."""
    import faiss

    means = faiss.Kmeans(
        sample.shape[1],
        count,
        niter=_ITERATIONS,
        seed=1,
        min_points_per_centroid=1,
        max_points_per_centroid=_POINTS,
    )
    means.train(np.ascontiguousarray(sample[: _POINTS * count].float().numpy()))
    assert means.centroids is not None
    return torch.from_numpy(means.centroids.reshape(count, -1)).half().float()


def _shares(members: np.ndarray, count: int) -> np.ndarray:
    """Divide `count` centroids among groups (G,) like their members: the largest remainders win."""
    exact = members * (count / members.sum())
    shares = np.maximum(np.floor(exact), members > 0).astype(np.int64)
    missing = int(count - shares.sum())
    if missing > 0:
        shares[np.argsort(shares - exact, kind="stable")[:missing]] += 1
    elif missing < 0:  # small groups have one each
        shares[np.argsort(-shares, kind="stable")[:-missing]] -= 1
    return shares
