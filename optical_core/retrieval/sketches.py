"""Sketches: token vectors in twenty bytes each, which choose among many passages.

A sketch has a vector's centroid, its scale, and two bits for each of the 64 principal directions of
the residuals. Its products are those of a compressed vector (see `codec`), at a tenth of the time;
among 100,000 passages the best ten of all were among the 1,000 best sketches of 16,000.
"""

from __future__ import annotations

import numpy as np
import torch

from optical_core.retrieval.centroids import sample_for
from optical_core.retrieval.codec import Codec, best_steps, principal
from optical_core.retrieval.int8_kernel import TOKENS
from optical_core.retrieval.packed_vectors import PackedVectors
from optical_core.retrieval.residual_kernel import to_blocks
from optical_core.retrieval.token_index import TokenIndex

BITS, DIRECTIONS = 2, 64
_ROWS = 1 << 16
"""Vectors that are sketched at a time; whole blocks."""
_SAMPLE = 1 << 16
"""Vectors whose residuals decide the directions of a compressed index's sketches."""


def sketched(index: TokenIndex) -> PackedVectors:
    """The sketches of an index's vectors. Those of a compressed index have its centroids."""
    vectors = index.vectors
    if isinstance(vectors, PackedVectors):
        codec = _codec_beside(vectors)
    else:
        rows = _drawn(len(vectors), sample_for(len(vectors)))
        # As drawn: k-means takes the first ones.
        sample = torch.from_numpy(np.asarray(vectors[rows]))
        codec = Codec.train(sample, bits=BITS, directions=DIRECTIONS, total=len(vectors))
    count = -(-len(vectors) // TOKENS)
    blocks = np.empty((count, TOKENS * codec.record_bytes), np.uint8)
    for begin in range(0, len(vectors), _ROWS):
        rows = np.arange(begin, min(begin + _ROWS, len(vectors)))
        if isinstance(vectors, PackedVectors):
            records = _records_beside(codec, vectors, rows)
        else:
            whole = np.asarray(vectors[begin : begin + _ROWS], np.float32)
            records = codec.encode(torch.from_numpy(whole))
        made = to_blocks(records, BITS)
        blocks[begin // TOKENS : begin // TOKENS + len(made)] = made
    return PackedVectors(codec, blocks, len(vectors))


def _drawn(total: int, count: int) -> np.ndarray:
    draw = np.random.default_rng(0)
    return draw.choice(total, min(count, total), replace=False, shuffle=True)


def _codec_beside(vectors: PackedVectors) -> Codec:
    """A codec with the centroids of compressed vectors, and the main directions of their steps."""
    codec = vectors.codec
    residuals = torch.from_numpy(vectors.residuals(np.sort(_drawn(len(vectors), _SAMPLE))))
    basis = principal(residuals, DIRECTIONS)
    steps = best_steps(residuals @ basis, BITS)
    whole = basis if codec.basis is None else codec.basis @ basis
    return Codec(BITS, codec.centroids, steps, whole.contiguous(), codec.groups)


def _records_beside(codec: Codec, vectors: PackedVectors, rows: np.ndarray) -> np.ndarray:
    """Records of compressed vectors: their heads stay, and their steps are projected."""
    assert codec.basis is not None
    basis = codec.basis if vectors.codec.basis is None else vectors.codec.basis.T @ codec.basis
    steps = codec.steps_of(torch.from_numpy(vectors.residuals(rows)) @ basis)
    return codec.packed(vectors.heads(rows), steps)
