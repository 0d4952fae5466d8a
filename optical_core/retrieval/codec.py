"""Codec: token vectors in 2, 4 or 8 bits a dimension, after their nearest centroid is taken away.

A vector is stored as the number of its centroid and the steps of its residual, one for each
direction; with a scale that gives it unit length again (Santhanam et al. 2022, ColBERTv2, section
3.3). Steps are of equal size in a direction and of the size that leaves the least error: for the
bell-shaped residuals that is nearer than the quantiles of the paper. With fewer directions than
dimensions, the residuals are projected on their principal directions, the centroids stay whole.

A record of a token: the centroid's number, uint16; the scale, fp16; the steps, `bits` bits each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from optical_core.errors import InputError
from optical_core.retrieval.centroids import Centroids, wanted

FILE = "codec.safetensors"
BITS = (2, 4, 8)
HEAD_BYTES = 4
"""Bytes of a record before its steps."""
_MEASURED = 1 << 17
"""Vectors of the sample whose residuals decide the steps."""
_SIZES = (0.55, 0.7, 0.85, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0)
"""Sizes of a step that are tried, in units of the best one for a normal distribution."""
_NORMAL = {2: 0.9957, 4: 0.3352, 8: 0.0308}
"""The best step of so many bits for a normal distribution of variance 1 (Max 1960, table II)."""
_ROWS = 1 << 14
"""Vectors that are encoded or decoded at a time."""


@dataclass(frozen=True)
class Codec:
    """How vectors are stored in few bits.

    Attributes:
        bits: of a step.
        centroids: (C, d) fp32.
        steps: (k,) fp32, the size of a step in each direction.
        basis: (d, k) fp32, the directions; None for the dimensions themselves.
        groups: where groups of centroids begin, see `Centroids`; None for a single one.

    Examples:
        >>> vectors = torch.nn.functional.normalize(torch.randn(400, 16))
        >>> codec = Codec.train(vectors, bits=4)
        >>> records = codec.encode(vectors)
        >>> records.shape == (400, codec.record_bytes), (4 + 16 * 4 // 8) == codec.record_bytes
        (True, True)
        >>> bool(((codec.decode(records) * vectors).sum(1) > 0.95).all())
        True
    """

    bits: int
    centroids: Tensor
    steps: Tensor
    basis: Tensor | None = None
    groups: Tensor | None = None

    @property
    def dimension(self) -> int:
        """d, of the vectors."""
        return self.centroids.shape[1]

    @property
    def directions(self) -> int:
        """k, of the residuals."""
        return len(self.steps)

    @property
    def width(self) -> int:
        """k, padded to a multiple of four."""
        return -(-self.directions // 4) * 4

    @property
    def record_bytes(self) -> int:
        """Bytes of a token."""
        return HEAD_BYTES + self.width * self.bits // 8

    @property
    def middle(self) -> float:
        """The step of a residual of zero."""
        return (2**self.bits - 1) / 2

    @classmethod
    def train(
        cls, vectors: Tensor, *, bits: int, directions: int | None = None, total: int = 0
    ) -> Codec:
        """Make a codec for vectors like these.

        Args:
            vectors: (T, d), fp16 or fp32, a sample in random order.
            bits: one of `BITS`.
            directions: k; None for d.
            total: vectors that will be encoded; by default those of the sample.
        """
        if not len(vectors):
            vectors = torch.zeros(1, vectors.shape[1])
        near = Centroids.train(vectors, wanted(len(vectors), max(total, len(vectors))))
        sample = vectors[:_MEASURED].float()
        residuals = sample - near.vectors[near.nearest(sample)]
        basis = None
        if directions and directions < vectors.shape[1]:
            basis = principal(residuals, directions)
            residuals = residuals @ basis
        return cls(bits, near.vectors, best_steps(residuals, bits), basis, near.starts)

    def encode(self, vectors: Tensor) -> np.ndarray:
        """Records (T, record_bytes) uint8 of vectors (T, d) fp32."""
        parts = [self._encoded(part) for part in vectors.split(_ROWS)]
        return np.concatenate(parts) if parts else np.zeros((0, self.record_bytes), np.uint8)

    def _encoded(self, vectors: Tensor) -> np.ndarray:
        numbers = self.near.nearest(vectors)
        near = self.centroids[numbers]
        residuals = vectors - near if self.basis is None else (vectors - near) @ self.basis
        steps = self.steps_of(residuals)
        lengths = (near + self._whole(steps)).norm(dim=1)
        scales = (1 / lengths.clamp(1e-3, 1e3)).numpy().astype(np.float16)
        return self.packed(np.stack([numbers.numpy(), scales.view(np.uint16)], axis=1), steps)

    def packed(self, heads: np.ndarray, steps: Tensor) -> np.ndarray:
        """Records of centroids and scales (T, 2), as their bits, and steps (T, k)."""
        padded = np.zeros((len(heads), self.width), np.uint8)
        padded[:, : self.directions] = steps.numpy()
        packed = np.zeros((len(heads), self.width * self.bits // 8), np.uint8)
        for place in range(8 // self.bits):
            packed |= padded[:, place :: 8 // self.bits] << (place * self.bits)
        return np.hstack([np.ascontiguousarray(heads, np.uint16).view(np.uint8), packed])

    def steps_of(self, residuals: Tensor) -> Tensor:
        """The steps (T, k) nearest to residuals (T, k)."""
        return (residuals / self.steps + self.middle).round().clamp(0, 2**self.bits - 1)

    def decode(self, records: np.ndarray) -> Tensor:
        """Vectors (T, d) fp32 of records (T, record_bytes): of unit length, up to rounding."""
        numbers, scales, steps = self.parts(records)
        whole = self.centroids[numbers] + self._whole(steps[:, : self.directions].float())
        return whole * scales[:, None]

    def parts(self, records: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Centroids (T,) int64, scales (T,) fp32 and steps (T, width) uint8 of records."""
        heads = np.ascontiguousarray(records[:, :HEAD_BYTES]).view(np.uint16)
        scales = np.ascontiguousarray(heads[:, 1]).view(np.float16).astype(np.float32)
        packed = torch.from_numpy(np.ascontiguousarray(records[:, HEAD_BYTES:]))
        places = torch.arange(0, 8, self.bits, dtype=torch.uint8)
        steps = (packed[:, :, None] >> places) & (2**self.bits - 1)
        numbers = torch.from_numpy(heads[:, 0].astype(np.int64))
        return numbers, torch.from_numpy(scales), steps.reshape(len(records), self.width)

    def _whole(self, steps: Tensor) -> Tensor:
        """The residuals (T, d) that steps (T, k) stand for."""
        residuals = (steps - self.middle) * self.steps
        return residuals if self.basis is None else residuals @ self.basis.T

    def equals(self, other: Codec) -> bool:
        """Does it give the same records?"""
        if self is other:
            return True
        both = zip(self._tensors.items(), other._tensors.items(), strict=False)
        return self.bits == other.bits and all(
            name == another and torch.equal(value, its) for (name, value), (another, its) in both
        )

    @cached_property
    def near(self) -> Centroids:
        """The centroids, to look for the nearest one."""
        return Centroids(self.centroids, self.groups)

    @property
    def _tensors(self) -> dict[str, Tensor]:
        names = ("centroids", "steps", "basis", "groups")
        named = {name: getattr(self, name) for name in names}
        return {name: value for name, value in named.items() if value is not None}

    def save(self, folder: Path) -> None:
        """Write the codec into a folder."""
        tensors = self._tensors | {"centroids": self.centroids.half()}
        save_file(tensors, folder / FILE, {"bits": str(self.bits)})

    @classmethod
    def open(cls, folder: Path) -> Codec:
        """Open the codec in a folder.

        Raises:
            InputError: it is missing or damaged.
        """
        path = folder / FILE
        try:
            with safe_open(path, "pt") as file:
                bits = int(file.metadata()["bits"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            whole = tensors["centroids"].float(), tensors["steps"].float()
            codec = cls(bits, *whole, tensors.get("basis"), tensors.get("groups"))
            expected = (codec.dimension, codec.directions)
            shape = expected if codec.basis is None else tuple(codec.basis.shape)
            if bits not in BITS or shape != expected or not codec.near.whole:
                raise ValueError("its parts do not fit together")
            return codec
        except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
            raise InputError(
                f"{path} is damaged ({error}); build the index again with `optical index`"
            ) from error


def principal(vectors: Tensor, directions: int) -> Tensor:
    """The directions (d, k) that keep most of vectors (T, d)."""
    moment = vectors.T.double() @ vectors.double()
    return torch.linalg.eigh(moment).eigenvectors[:, -directions:].float().contiguous()


def best_steps(residuals: Tensor, bits: int) -> Tensor:
    """The step (k,) of each direction that leaves the least error in residuals (T, k)."""
    middle, most = (2**bits - 1) / 2, 2**bits - 1
    spread = residuals.std(0, correction=0).clamp(1e-6)
    best, least = spread.clone(), torch.full_like(spread, torch.inf)
    for size in _SIZES:
        step = size * _NORMAL[bits] * spread
        steps = (residuals / step + middle).round_().clamp_(0, most)
        error = ((steps - middle) * step - residuals).square().mean(0)
        best = torch.where(error < least, step, best)
        least = torch.minimum(error, least)
    return best
