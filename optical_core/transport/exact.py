"""Exact optimal transport: POT's network simplex, or an assignment where that is the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from optical_core.transport.problem import TransportProblem
from optical_core.transport.threads import over_threads

OPTIMAL = 1
"""What POT's network simplex returns when it has come to its end."""


def exact(
    problem: TransportProblem, *, epsilon: float, tolerance: float, max_iterations: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Optimal plan of each pair, solved on the CPU in fp64; `epsilon` and `tolerance` are unused.

    `max_iterations` counts simplex pivots in hundreds, so that the default is never reached by
    sentences. A pair that reaches it isn't converged.
    """
    # Here, since POT brings scikit-learn along: a second that others need not wait for. Its C
    # entry, since `ot.emd` spends most of a sentence pair's time on checks made here already.
    from ot.lp.emd_wrap import emd_c

    cost = problem.cost.cpu().double().numpy()
    a = problem.a.cpu().double().numpy()
    b = problem.b.cpu().double().numpy()
    plan = np.zeros_like(cost)
    converged = np.ones(len(cost), dtype=bool)

    def work(pairs: np.ndarray) -> None:
        for pair in pairs:
            rows, columns = a[pair].nonzero()[0], b[pair].nonzero()[0]
            if not len(rows):
                continue
            block = _block(rows, columns)
            inner = np.ascontiguousarray(cost[pair][block])
            mass_a, mass_b = a[pair][rows], b[pair][columns]
            if len(rows) == len(columns) and np.ptp(mass_a) == 0 and np.ptp(mass_b) == 0:
                source, target = linear_sum_assignment(inner)
                plan[pair][rows[source], columns[target]] = mass_a
                continue
            mass_b *= mass_a.sum() / mass_b.sum()
            part, _, _, _, status = emd_c(mass_a, mass_b, inner, 100 * max_iterations, 1)
            converged[pair] = status == OPTIMAL
            plan[pair][block] = part

    over_threads(len(cost), work)
    device = problem.cost.device
    return (
        torch.from_numpy(plan).to(device, problem.cost.dtype),
        torch.zeros(len(cost), dtype=torch.long, device=device),
        torch.from_numpy(converged).to(device),
    )


def _block(rows: np.ndarray, columns: np.ndarray) -> Any:
    """Index of the tokens with mass: slices, much cheaper, where padding comes last."""
    if rows[-1] < len(rows) and columns[-1] < len(columns):
        return np.s_[: len(rows), : len(columns)]
    return np.ix_(rows, columns)
