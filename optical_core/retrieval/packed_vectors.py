"""PackedVectors: token vectors in a codec's form, memory-mapped; what is read is decoded.

vectors.packed      blocks of 16 tokens, see residual.h
codec.safetensors   the codec
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from optical_core.retrieval import residual_kernel
from optical_core.retrieval.centroid_products import centroid_products
from optical_core.retrieval.codec import HEAD_BYTES, Codec
from optical_core.retrieval.int8_kernel import TOKENS

FILE = "vectors.packed"


class PackedVectors:
    """A matrix (T, d) on disk that is read by rows, as fp32: by a slice or their numbers.

    Attributes:
        codec: decodes it.
        blocks: (ceil(T / 16), bytes) uint8.
        shape: (T, d).

    Examples:
        >>> import torch
        >>> vectors = torch.nn.functional.normalize(torch.randn(100, 8))
        >>> codec = Codec.train(vectors, bits=8)
        >>> blocks = residual_kernel.to_blocks(codec.encode(vectors), 8)
        >>> PackedVectors(codec, blocks, 100)[20:23].shape
        (3, 8)
    """

    def __init__(self, codec: Codec, blocks: np.ndarray, tokens: int) -> None:
        self.codec, self.blocks, self.shape = codec, blocks, (tokens, codec.dimension)

    @classmethod
    def open(cls, folder: Path, tokens: int, dimension: int) -> PackedVectors:
        """Open the vectors in a folder.

        Raises:
            InputError: the codec is damaged.
            ValueError: the file has other vectors.
        """
        codec = Codec.open(folder)
        size, width = (folder / FILE).stat().st_size, TOKENS * codec.record_bytes
        count = -(-tokens // TOKENS)
        if size != count * width or codec.dimension != dimension:
            raise ValueError("its files do not fit together")
        shape = (count, width)
        blocks = np.memmap(folder / FILE, np.uint8, "c", shape=shape) if size else np.zeros(shape)
        return cls(codec, np.asarray(blocks, np.uint8), tokens)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        return residual_kernel.decoded(self.codec, self.blocks, self._rows(rows))

    def records(self, rows: slice | np.ndarray) -> np.ndarray:
        """The codec's records (n, bytes) of some rows."""
        return residual_kernel.to_records(self.blocks, self._rows(rows), self.codec.bits)

    def _rows(self, rows: slice | np.ndarray) -> np.ndarray:
        return np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else rows

    def residuals(self, rows: np.ndarray) -> np.ndarray:
        """What the steps of some rows stand for, (n, k) fp32."""
        return residual_kernel.residuals(self.codec, self.blocks, rows)

    def near(self, query: np.ndarray) -> torch.Tensor:
        """Products (C, n) of the codec's centroids with a query (n, d), fp32."""
        return centroid_products(self.codec.centroids, query)

    def numbers(self) -> np.ndarray:
        """The number (T,) uint16 of each vector's centroid."""
        heads = np.ascontiguousarray(self.blocks[:, : HEAD_BYTES // 2 * TOKENS])
        return heads.view(np.uint16).reshape(-1)[: len(self)]

    def heads(self, rows: np.ndarray) -> np.ndarray:
        """Centroids and scales (n, 2) of some rows, as their bits."""
        heads = self.blocks[:, : HEAD_BYTES * TOKENS].view(np.uint16)
        blocks, places = rows // TOKENS, rows % TOKENS
        return np.stack([heads[blocks, places], heads[blocks, TOKENS + places]], axis=1)

    def maxsim(
        self,
        query: np.ndarray,
        begins: np.ndarray,
        ends: np.ndarray,
        near: torch.Tensor | None = None,
    ) -> np.ndarray:
        """MaxSim (P,) of a query (n, d) with passages of the rows begins[i] to before ends[i].

        `near`: what `near` gives for the query, if it is known.
        """
        return residual_kernel.maxsim(self.codec, self.blocks, begins, ends, query, near=near)
