"""MaxSim over residual-compressed token vectors, in C if it can be compiled, else in torch.

A product with a token is the product with its centroid, from a table that is made once for a query,
and that with its residual's steps, in integers (see residual.h). Both ways give equal results.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from optical_core.retrieval import int8_kernel
from optical_core.retrieval.codec import HEAD_BYTES, Codec
from optical_core.retrieval.int8_kernel import TOKENS
from optical_core.retrieval.maxsim import best_of_passages
from optical_core.threads import at_once

_HALF = HEAD_BYTES // 2
_BLOCK_PASSAGES = 512
"""Passages that torch scores at a time."""


def to_blocks(records: np.ndarray, bits: int) -> np.ndarray:
    """Blocks (ceil(T / 16), 16 x bytes) of a codec's records (T, bytes), as residual.h reads them.

    Records of zeros fill the last block.
    """
    count, size = -(-len(records) // TOKENS), records.shape[1]
    padded = np.zeros((count * TOKENS, size), np.uint8)
    padded[: len(records)] = records
    shape = count, TOKENS, (size - HEAD_BYTES) * 2 // bits, bits // 2
    steps = padded[:, HEAD_BYTES:].reshape(shape).transpose(0, 2, 1, 3)
    parts = padded[:, :_HALF], padded[:, _HALF:HEAD_BYTES], steps
    return np.hstack([part.reshape(count, part.size // max(count, 1)) for part in parts])


def to_records(blocks: np.ndarray, tokens: np.ndarray, bits: int) -> np.ndarray:
    """Records (n, bytes) of the tokens with these numbers (n,)."""
    numbers, where = np.unique(tokens // TOKENS, return_inverse=True)
    read = blocks[numbers]
    count, split, size = len(read), HEAD_BYTES * TOKENS, blocks.shape[1] // TOKENS
    heads = read[:, :split].reshape(count, 2, TOKENS, _HALF).transpose(0, 2, 1, 3)
    shape = count, (size - HEAD_BYTES) * 2 // bits, TOKENS, bits // 2
    steps = read[:, split:].reshape(shape).transpose(0, 2, 1, 3)
    records = np.empty((count, TOKENS, size), np.uint8)
    records[:, :, :HEAD_BYTES] = heads.reshape(count, TOKENS, HEAD_BYTES)
    records[:, :, HEAD_BYTES:] = steps.reshape(count, TOKENS, size - HEAD_BYTES)
    return records[where, tokens % TOKENS]


def decoded(codec: Codec, blocks: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """Vectors (n, d) fp32 of the tokens with these numbers (n,), in C if it can be compiled."""
    compiled = int8_kernel.library()
    if compiled is None:
        return codec.decode(to_records(blocks, tokens, codec.bits)).numpy()
    if codec.basis is None:
        return _decoded_in_c(compiled, codec, blocks, tokens, whole=True)
    out = _decoded_in_c(compiled, codec, blocks, tokens, whole=False)
    return _projected_back(codec, blocks, tokens, out)


def residuals(codec: Codec, blocks: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """What the steps of tokens (n,) stand for, (n, k) fp32, in C if it can be compiled."""
    compiled = int8_kernel.library()
    if compiled is None:
        _, _, steps = codec.parts(to_records(blocks, tokens, codec.bits))
        return ((steps[:, : codec.directions] - codec.middle) * codec.steps).numpy()
    return _decoded_in_c(compiled, codec, blocks, tokens, whole=False)


def _decoded_in_c(
    compiled: tuple[Any, Any], codec: Codec, blocks: np.ndarray, tokens: np.ndarray, *, whole: bool
) -> np.ndarray:
    """Tokens (n, k) as vectors, if they are `whole`, or as residuals."""
    out = np.empty((len(tokens), codec.directions), np.float32)
    ffi, kernel = compiled

    def work(part: slice) -> None:
        if kernel.optical_decode(
            codec.bits,
            ffi.from_buffer("uint8_t[]", blocks),
            ffi.from_buffer("int64_t[]", tokens[part]),
            len(tokens[part]),
            codec.width,
            codec.directions,
            ffi.from_buffer("float[]", codec.centroids.numpy()) if whole else ffi.NULL,
            ffi.from_buffer("float[]", codec.steps.numpy()),
            codec.middle,
            ffi.from_buffer("float[]", out[part], require_writable=True),
        ):
            raise MemoryError("no memory for a token's steps")

    at_once(int8_kernel.parts(len(tokens)), work)
    return out


def _projected_back(
    codec: Codec, blocks: np.ndarray, tokens: np.ndarray, residuals: np.ndarray
) -> np.ndarray:
    assert codec.basis is not None
    heads = blocks[:, : HEAD_BYTES * TOKENS].view(np.uint16)
    rows, places = tokens // TOKENS, tokens % TOKENS
    near = codec.centroids[torch.from_numpy(heads[rows, places].astype(np.int64))]
    scales = heads[rows, TOKENS + places].view(np.float16).astype(np.float32)
    whole = near + torch.from_numpy(residuals) @ codec.basis.T
    return (whole * torch.from_numpy(scales)[:, None]).numpy()


def maxsim(
    codec: Codec,
    blocks: np.ndarray,
    begins: np.ndarray,
    ends: np.ndarray,
    query: np.ndarray,
    *,
    near: Tensor | None = None,
    path: str | None = None,
) -> np.ndarray:
    """Scores (P,), fp32, of passages whose tokens are begins[i] to before ends[i].

    blocks: `to_blocks`'s; begins and ends (P,) int64; query (n, d). `near`: the centroids' products
    with the query (C, n), if they are known. `path`: as of `int8_kernel.maxsim`. A passage without
    tokens scores 0.
    """
    compiled = int8_kernel.compiled_or_torch(path)
    table, codes, factors = _asked(codec, query, near)
    if compiled is None:
        return _torch_maxsim(codec, blocks, begins, ends, table, codes, factors)
    return int8_kernel.compiled_maxsim(
        compiled,
        path,
        blocks,
        begins,
        ends,
        int8_kernel.padded_to(codes, codec.width),
        factors.numpy(),
        bits=codec.bits,
        table=table.numpy(),
    )


def _asked(codec: Codec, query: np.ndarray, near: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """A query for the kernel: table (C, n) fp32, codes (n, k) int8 and factors (n,) fp32.

    A product with a token is factor x scale x (table[centroid] + codes @ steps).
    """
    vectors = torch.from_numpy(np.asarray(query, np.float32))
    along = vectors if codec.basis is None else vectors @ codec.basis
    codes, factors = int8_kernel.quantise(along * codec.steps)
    factors = torch.where(factors > 0, factors, 1)
    near = codec.centroids @ vectors.T if near is None else near
    table = near / factors - codec.middle * codes.float().sum(1)
    return table.contiguous(), codes, factors


def _torch_maxsim(
    codec: Codec,
    blocks: np.ndarray,
    begins: np.ndarray,
    ends: np.ndarray,
    table: Tensor,
    codes: Tensor,
    factors: Tensor,
) -> np.ndarray:
    query, parts = codes.double(), []  # exact, whatever the number of dimensions
    for begin in range(0, len(begins), _BLOCK_PASSAGES):
        part = slice(begin, begin + _BLOCK_PASSAGES)
        tokens, owners = int8_kernel.tokens_of(begins[part], ends[part])
        numbers, scales, steps = codec.parts(to_records(blocks, tokens, codec.bits))
        products = (steps[:, : codec.directions].double() @ query.T).float()
        products = (products + table[numbers]) * scales[:, None]
        best = best_of_passages(products, owners, len(begins[part]))
        # One query token after another, as in C: a sum in another order would round differently.
        scores = torch.zeros(len(best))
        for column, factor in zip(best.T, factors, strict=True):
            scores += column * factor
        parts.append(scores.numpy())
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
