"""Products of centroids with a query's tokens, in C if it can be compiled, else in torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from optical_core import native
from optical_core.retrieval import int8_kernel
from optical_core.threads import at_once

_ROWS = 8
"""Centroids that are multiplied at once: enough sums to keep the processor busy."""
_FUSED = "-ffp-contract=fast"
"""A product and its sum are one instruction, rounded once: twice as fast."""
_PATHS: dict[str, tuple[int, tuple[str, ...]]] = {
    "portable": (4, ()),
    "neon": (4, (_FUSED,)),
    "dotprod": (4, (_FUSED,)),
    "avx2": (8, (_FUSED, "-mavx2", "-mfma")),
    "vnni": (16, (_FUSED, "-mavx512f")),
}
"""Path -> floats in a register, and the compiler's flags."""
_DECLARATIONS = """
void optical_centroid_products(const float *centroids, int64_t count, int64_t d,
                               const float *groups, int64_t n, float *products);
"""


def centroid_products(centroids: Tensor, query: np.ndarray, *, path: str | None = None) -> Tensor:
    """Products (C, n), fp32, of centroids (C, d) fp32 with a query (n, d).

    Args:
        centroids: contiguous.
        query: of any number of tokens.
        path: as of `int8_kernel.maxsim`. Those that fuse products and sums give the same numbers.
    """
    tokens = np.asarray(query, np.float32)
    compiled = int8_kernel.compiled_or_torch(path)
    if compiled is None:
        return centroids @ torch.from_numpy(tokens).T
    lanes, flags = _PATHS[int8_kernel.chosen(compiled[1], path)]
    ffi, kernel = _library(lanes, flags)
    n, d = tokens.shape
    padded = np.zeros((-(-n // lanes), lanes, d), np.float32)
    padded.reshape(-1, d)[:n] = tokens
    groups = np.ascontiguousarray(padded.transpose(0, 2, 1))
    rows, products = centroids.numpy(), np.empty((len(centroids), n), np.float32)

    def work(part: slice) -> None:
        view = ffi.from_buffer
        kernel.optical_centroid_products(
            view("float[]", rows[part]),
            len(rows[part]),
            d,
            view("float[]", groups),
            n,
            view("float[]", products[part], require_writable=True),
        )

    at_once(int8_kernel.parts(len(rows)), work)
    return torch.from_numpy(products)


def _library(lanes: int, flags: tuple[str, ...]) -> tuple[Any, Any]:
    sizes = f"-DLANES={lanes}", f"-DROWS={_ROWS}"
    source = Path(__file__).with_suffix(".c")
    compiled = native.library(source, _DECLARATIONS, "-O3", *sizes, *flags)
    assert compiled is not None, "maxsim.c was compiled"
    return compiled
