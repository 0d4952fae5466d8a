"""MaxSim over 8-bit token vectors, in C if it can be compiled, else in torch, with equal results.

Tokens are stored in blocks of 16, four values of one token after four of another (see maxsim.c). A
vector is stored as round(127 x / max|x|) and the scale max|x| / 127 (symmetric, one scale for each
token). Products are integers below 2^24 for up to 1,040 dimensions, hence exact in fp32 too.
"""

from __future__ import annotations

import platform
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from optical_core import native
from optical_core.retrieval.maxsim import best_of_passages
from optical_core.threads import at_once

_ARM = platform.machine().lower() in ("aarch64", "arm64")
PATHS = ("portable", "neon", "dotprod") if _ARM else ("portable", "avx2", "vnni")
"""Paths of maxsim.c, the slowest first; a processor has all paths up to its best one."""
TOKENS = 16
"""Tokens in a block."""
_SCALE_BYTES = 4
_FLAGS = ("-O2", "-ftree-vectorize")
_DECLARATIONS = """
int optical_best_path(void);
int optical_maxsim(int path, int bits, const uint8_t *blocks, const float *table,
                   const int64_t *begins, const int64_t *ends, int64_t count, int64_t width,
                   const int8_t *query, const float *query_scales, int64_t n, float *scores);
int optical_decode(int bits, const uint8_t *blocks, const int64_t *tokens, int64_t count,
                   int64_t width, int64_t k, const float *centroids, const float *sizes,
                   float middle, float *out);
int optical_nearest(int path, const uint8_t *blocks, const float *halves, const int64_t *starts,
                    const uint8_t *means, const float *mean_halves, int64_t groups, int64_t most,
                    int64_t width, const int8_t *vectors, const float *scales, int64_t count,
                    int64_t probed, int32_t *numbers);
"""
_EXACT_IN_FP32 = 2**24 // 127**2
_LEAST_PASSAGES = 256
"""Fewest passages that get a thread of their own."""
_BLOCK_PASSAGES = 512
"""Passages that torch scores at a time."""


def library() -> tuple[Any, Any] | None:
    """cffi's (ffi, library) of maxsim.c; None if it can't be compiled."""
    return native.library(Path(__file__).with_name("maxsim.c"), _DECLARATIONS, *_FLAGS)


def quantise(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Codes (T, d) from -127 to 127, and scales (T,) fp32, of vectors (T, d)."""
    scales = vectors.abs().amax(1) / 127
    codes = torch.where(scales[:, None] > 0, vectors / scales[:, None], 0)
    return codes.round().clamp(-127, 127).to(torch.int8), scales


def pack(vectors: Tensor) -> np.ndarray:
    """Blocks (ceil(T / 16), 16 `token_bytes`) of passage tokens (T, d), as maxsim.c reads them.

    Tokens of zeros fill the last block.
    """
    codes, scales = quantise(vectors)
    tokens, dimension = codes.shape
    count, width = -(-tokens // TOKENS), token_bytes(dimension) - _SCALE_BYTES
    values = np.full((count * TOKENS, width), 128, np.uint8)
    values[:tokens, :dimension] += codes.numpy().view(np.uint8)  # modulo 256: the sum is the code's
    factors = np.zeros(count * TOKENS, np.float32)
    factors[:tokens] = scales.numpy()
    fours = values.reshape(count, TOKENS, width // 4, 4).transpose(0, 2, 1, 3)
    scales_of = factors.view(np.uint8).reshape(count, TOKENS * _SCALE_BYTES)
    return np.hstack([fours.reshape(count, TOKENS * width), scales_of])


def token_bytes(dimension: int) -> int:
    """Bytes of a passage token: its values, padded to a multiple of four, and its scale."""
    return -(-dimension // 4) * 4 + _SCALE_BYTES


def maxsim(
    blocks: np.ndarray,
    begins: np.ndarray,
    ends: np.ndarray,
    query: np.ndarray,
    *,
    path: str | None = None,
) -> np.ndarray:
    """Scores (P,), fp32, of passages whose tokens are begins[i] to before ends[i].

    blocks: `pack`'s; begins and ends (P,) int64; query (n, d). `path`: one of `PATHS` or
    "torch"; by default the fastest there is. A passage without tokens scores 0. Raises InputError
    for a path that isn't there.
    """
    compiled = compiled_or_torch(path)
    codes, scales = quantise(torch.from_numpy(np.asarray(query, np.float32)))
    padded = padded_to(codes, blocks.shape[1] // TOKENS - _SCALE_BYTES)
    if compiled is None:
        return _torch_maxsim(blocks, begins, ends, torch.from_numpy(padded), scales)
    return compiled_maxsim(compiled, path, blocks, begins, ends, padded, scales.numpy())


def compiled_or_torch(path: str | None) -> tuple[Any, Any] | None:
    """The compiled library, or None to compute with torch; arguments as of `maxsim`."""
    compiled = None if path == "torch" else library()
    if compiled is None:
        native.chosen(path, ("torch",))
    return compiled


def chosen(kernel: Any, path: str | None) -> str:
    """The path that the compiled library takes; arguments and errors are those of `maxsim`."""
    return native.chosen(path, PATHS[: kernel.optical_best_path() + 1])


def padded_to(codes: Tensor, width: int) -> np.ndarray:
    """Codes (n, width) int8 of codes (n, d), with zeros behind."""
    padded = np.zeros((len(codes), width), np.int8)
    padded[:, : codes.shape[1]] = codes.numpy()
    return padded


def compiled_maxsim(
    compiled: tuple[Any, Any],
    path: str | None,
    blocks: np.ndarray,
    begins: np.ndarray,
    ends: np.ndarray,
    query: np.ndarray,
    factors: np.ndarray,
    *,
    bits: int = 0,
    table: np.ndarray | None = None,
) -> np.ndarray:
    """Scores (P,) by maxsim.c, on as many threads as torch uses.

    query: (n, width) int8, and its tokens' factors (n,) fp32. With `bits`, the blocks are those of
    residual.h, and `table` has the centroids' products, (C, n) fp32.
    """
    ffi, kernel = compiled
    which = PATHS.index(chosen(kernel, path))
    scores = np.empty(len(begins), np.float32)
    tokens = query.ravel()

    def work(part: slice) -> None:
        view = ffi.from_buffer
        if kernel.optical_maxsim(
            which,
            bits,
            view("uint8_t[]", blocks),
            ffi.NULL if table is None else view("float[]", table),
            view("int64_t[]", begins[part]),
            view("int64_t[]", ends[part]),
            len(begins[part]),
            query.shape[1],
            view("int8_t[]", tokens),
            view("float[]", factors),
            len(factors),
            view("float[]", scores[part], require_writable=True),
        ):
            raise MemoryError("no memory for a query's codes")

    at_once(parts(len(begins)), work)
    return scores


def _torch_maxsim(
    blocks: np.ndarray, begins: np.ndarray, ends: np.ndarray, query: Tensor, scales: Tensor
) -> np.ndarray:
    kind = torch.float32 if query.shape[1] <= _EXACT_IN_FP32 else torch.float64
    query, parts = query.to(kind), []
    for begin in range(0, len(begins), _BLOCK_PASSAGES):
        part = slice(begin, begin + _BLOCK_PASSAGES)
        tokens, owners = tokens_of(begins[part], ends[part])
        codes, factors = _unpacked(blocks, tokens)
        products = (codes.to(kind) - 128) @ query.T
        best = best_of_passages(products.float() * factors, owners, len(begins[part]))
        # One query token after another, as in C: a sum in another order would round differently.
        scores = torch.zeros(len(best))
        for column, scale in zip(best.T, scales, strict=True):
            scores += column * scale
        parts.append(scores.numpy())
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _unpacked(blocks: np.ndarray, tokens: np.ndarray) -> tuple[Tensor, Tensor]:
    """Values plus 128 (T, width) and scales (T, 1) of some tokens in the blocks."""
    numbers, where = np.unique(tokens // TOKENS, return_inverse=True)
    read, places = blocks[numbers], where * TOKENS + tokens % TOKENS
    split = read.shape[1] - TOKENS * _SCALE_BYTES
    values = read[:, :split].reshape(len(read), -1, TOKENS, 4).transpose(0, 2, 1, 3)
    scales = read[:, split:].copy().view(np.float32).reshape(-1, 1)
    return (
        torch.from_numpy(values.reshape(len(read) * TOKENS, -1)[places]),
        torch.from_numpy(scales[places]),
    )


def tokens_of(begins: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, Tensor]:
    """Numbers of the passages' tokens, one passage after another, and each token's passage."""
    lengths = ends - begins
    owners = np.repeat(np.arange(len(begins)), lengths)
    first = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + (begins - first)[owners], torch.from_numpy(owners)


def parts(count: int) -> list[slice]:
    """Divide `count` passages among as many threads as torch uses."""
    threads = max(1, min(torch.get_num_threads(), count // _LEAST_PASSAGES))
    bounds = np.linspace(0, count, threads + 1).astype(int).tolist()
    return [slice(*pair) for pair in pairwise(bounds)]
