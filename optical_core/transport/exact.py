"""Exact optimal transport: shortest paths in C (exact.c), else POT's network simplex."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from optical_core import native
from optical_core.transport import lanes
from optical_core.transport.problem import TransportProblem
from optical_core.transport.settings import TransportSettings
from optical_core.transport.threads import over_threads

ROUNDS = 100
"""Rounds of a solver for each of `max_iterations`. Sentences never come near the default."""
_OPTIMAL = 1
"""The status of POT's network simplex when it has finished."""
_DECLARATIONS = """
int optical_exact(int single, const void *cost, const double *a, const double *b,
                  const int64_t *pairs, int64_t count, int64_t height, int64_t width,
                  int64_t most, void *plan, uint8_t *converged);
"""


def exact(problem: TransportProblem, settings: TransportSettings) -> tuple[Tensor, Tensor, Tensor]:
    """Solve each pair to the optimum, on the CPU in fp64.

    A pair that needs more than `ROUNDS` times `max_iterations` rounds isn't converged.

    Returns:
        Plan (B, n, m), iterations (B,), all 0, and converged (B,).
    """
    cost = problem.cost.cpu().contiguous()
    a, b = (x.cpu().double().contiguous() for x in (problem.a, problem.b))
    # Rounding of the masses must not leave a source without a target.
    b = b * (a.sum(1) / b.sum(1).clamp_min(torch.finfo(b.dtype).tiny))[:, None]
    solver = network_simplex if library() is None else shortest_paths
    plan, converged = solver(cost.numpy(), a.numpy(), b.numpy(), ROUNDS * settings.max_iterations)
    device = problem.cost.device
    return (
        torch.from_numpy(plan).to(device, problem.cost.dtype),
        torch.zeros(len(plan), dtype=torch.long, device=device),
        torch.from_numpy(converged).to(device),
    )


def paths() -> tuple[str, ...]:
    """List the paths of exact.c that this processor has, the slowest first.

    Rows of sentences are short and are read in part: 512 bits take longer than 256 (Zen 4).
    """
    return tuple(path for path in lanes.paths() if path != "avx512")


def library(path: str | None = None) -> tuple[Any, Any] | None:
    """Open exact.c: cffi's (ffi, library), or None where it can't be compiled."""
    if not paths():
        return None
    return lanes.library("exact.c", _DECLARATIONS, path=native.chosen(path, paths()))


def shortest_paths(
    cost: np.ndarray, a: np.ndarray, b: np.ndarray, most: int, *, path: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Solve pairs in C, all arrays contiguous.

    Args:
        cost: (B, n, m), fp32 or fp64; the plan has its dtype.
        a: (B, n), fp64, source mass.
        b: (B, m), fp64, target mass.
        most: paths that a pair may take.
        path: one of `paths`; by default the fastest.

    Returns:
        Plans (B, n, m) and converged (B,).

    Raises:
        MemoryError: a plan of this size doesn't fit into memory.
    """
    opened = library(path)
    assert opened is not None
    ffi, compiled = opened
    single = int(cost.dtype == np.float32)
    plan, converged = np.zeros_like(cost), np.zeros(len(cost), np.uint8)
    inputs = [ffi.from_buffer(cost)]
    inputs += [ffi.from_buffer("double[]", array) for array in (a, b)]
    outputs = (
        ffi.from_buffer(plan, require_writable=True),
        ffi.from_buffer("uint8_t[]", converged, require_writable=True),
    )

    def work(part: np.ndarray) -> None:
        chosen = ffi.from_buffer("int64_t[]", np.ascontiguousarray(part))
        size = (len(part), *cost.shape[1:])
        if compiled.optical_exact(single, *inputs, chosen, *size, most, *outputs):
            raise MemoryError("no memory for a plan of this size")

    over_threads(len(cost), work)
    return plan, converged.astype(bool)


def network_simplex(
    cost: np.ndarray, a: np.ndarray, b: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Solve pairs as `shortest_paths` does, with POT and at most `most` pivots."""
    # Imported here because POT imports scikit-learn, which takes a second. Its C entry is called
    # because `ot.emd` spends most of a sentence pair's time on checks that are done already.
    from ot.lp.emd_wrap import emd_c

    plan, converged = np.zeros_like(cost), np.ones(len(cost), bool)

    def work(part: np.ndarray) -> None:
        for pair in part:
            rows, columns = a[pair].nonzero()[0], b[pair].nonzero()[0]
            if not len(rows):
                continue
            block = np.ix_(rows, columns)
            inner = np.ascontiguousarray(cost[pair][block], np.float64)
            block_plan, _, _, _, status = emd_c(a[pair][rows], b[pair][columns], inner, most, 1)
            converged[pair] = status == _OPTIMAL
            plan[pair][block] = block_plan

    over_threads(len(cost), work)
    return plan, converged
