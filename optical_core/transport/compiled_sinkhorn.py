"""Sinkhorn one pair at a time in C (sinkhorn.c), where it can be compiled (the extra `fast`).

It reaches the same fixed point as `sinkhorn`, and for sentences it is faster. Each pair stops when
it has converged (in a batch the slowest decides), padding is cut away, and a kernel of sentence
size fits into a core's first-level cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from optical_core.transport import lanes
from optical_core.transport.problem import TransportProblem
from optical_core.transport.settings import TransportSettings
from optical_core.transport.threads import over_threads

_LEAST_COSTS = 2**17
"""Cost entries that are worth a thread: a few hundred microseconds of work."""
_DECLARATIONS = """
int optical_sinkhorn(const float *cost, const float *a, const float *b,
                     const int64_t *pairs, int64_t count, int64_t height, int64_t width,
                     float epsilon, double tolerance, int64_t most, float *plan,
                     int64_t *iterations, uint8_t *converged);
"""


def library(path: str | None = None) -> tuple[Any, Any] | None:
    """Open sinkhorn.c: cffi's (ffi, library), or None where it can't be compiled."""
    return lanes.library("sinkhorn.c", _DECLARATIONS, "-ffp-contract=fast", path=path)


def applies(problem: TransportProblem) -> bool:
    """Whether the problem is in fp32 on the CPU and the library can be compiled."""
    cost = problem.cost
    return cost.device.type == "cpu" and cost.dtype == torch.float32 and library() is not None


def compiled_sinkhorn(
    problem: TransportProblem,
    settings: TransportSettings,
    *,
    path: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Solve in C; the results have the form of `sinkhorn`'s.

    Args:
        problem: fp32 tensors on the CPU.
        settings: epsilon, tolerance and max_iterations are used.
        path: one of `lanes.paths`; by default the fastest.

    Returns:
        Plan (B, n, m), iterations (B,) and converged (B,).

    Raises:
        MemoryError: a kernel of this size doesn't fit into memory.
    """
    opened = library(path)
    assert opened is not None
    ffi, compiled = opened
    cost, a, b = (x.contiguous().numpy() for x in (problem.cost, problem.a, problem.b))
    pairs, height, width = cost.shape
    plan = np.zeros_like(cost)
    iterations = np.zeros(pairs, np.int64)
    converged = np.zeros(pairs, np.uint8)
    inputs = [ffi.from_buffer("float[]", array) for array in (cost, a, b)]
    outputs = [
        ffi.from_buffer("float[]", plan, require_writable=True),
        ffi.from_buffer("int64_t[]", iterations, require_writable=True),
        ffi.from_buffer("uint8_t[]", converged, require_writable=True),
    ]

    def work(part: np.ndarray) -> None:
        chosen = ffi.from_buffer("int64_t[]", np.ascontiguousarray(part))
        size = (len(part), height, width)
        stop = (settings.epsilon, settings.tolerance, settings.max_iterations)
        if compiled.optical_sinkhorn(*inputs, chosen, *size, *stop, *outputs):
            raise MemoryError("no memory for a kernel of this size")

    over_threads(pairs, work, least=1 + _LEAST_COSTS // (height * width + 1))
    return torch.from_numpy(plan), torch.from_numpy(iterations), torch.from_numpy(converged).bool()
