"""One entry for every solver."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from optical_core.transport import compiled_sinkhorn, fused_sinkhorn
from optical_core.transport.exact import exact
from optical_core.transport.problem import (
    TransportProblem,
    TransportSolution,
    posed,
    transport_cost,
)
from optical_core.transport.proximal import ipot
from optical_core.transport.settings import TransportSettings
from optical_core.transport.sinkhorn import sinkhorn
from optical_core.transport.unbalanced import unbalanced

Solver = Callable[[TransportProblem, TransportSettings], tuple[Tensor, Tensor, Tensor]]
"""A function that returns plan (B, n, m), iterations (B,) and converged (B,)."""


def fastest_sinkhorn(
    problem: TransportProblem, settings: TransportSettings
) -> tuple[Tensor, Tensor, Tensor]:
    """Solve in C (CPU, fp32) or in one fused kernel (GPU, Triton), else in batched torch."""
    if compiled_sinkhorn.applies(problem):
        return compiled_sinkhorn.compiled_sinkhorn(problem, settings)
    if fused_sinkhorn.applies(problem):
        return fused_sinkhorn.fused_sinkhorn(problem, settings)
    return sinkhorn(problem, settings)


METHODS: dict[str, Solver] = {
    "sinkhorn": fastest_sinkhorn,
    "ipot": ipot,
    "exact": exact,
    "unbalanced": unbalanced,
}
"""Registry of solvers: one line adds one."""


@torch.no_grad()
def solve(cost: Tensor, a: Tensor, b: Tensor, settings: TransportSettings) -> TransportSolution:
    """Solve B transport problems at once.

    Args:
        cost: (B, n, m), any float dtype and device; solved in fp32 or better.
        a: (B, n), source mass; zero marks padding, whose cost is ignored.
        b: (B, m), target mass, with the same total as `a` in each pair, except for `unbalanced`.
        settings: the solver and its options.

    Returns:
        The plans and their diagnostics. Nothing is NaN: a pair that can't converge in its dtype is
        marked as not converged. The unit of costs, epsilon and mass_penalty doesn't matter.

    Raises:
        ValueError: wrong shape, NaN or infinity, negative mass, unequal totals, an unknown method,
            or an `epsilon_share` that isn't set against a spread. The message names the argument.

    Examples:
        >>> cost = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
        >>> half = torch.tensor([[0.5, 0.5]])
        >>> solve(cost, half, half, TransportSettings("exact")).plan
        tensor([[[0.5000, 0.0000],
                 [0.0000, 0.5000]]])
    """
    if settings.method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {settings.method!r}")
    problem, settings = posed(cost, a, b, settings)
    if not problem.cost.numel():
        plan = torch.zeros_like(problem.cost)
        iterations = torch.zeros(len(plan), dtype=torch.long, device=plan.device)
        converged = torch.ones_like(iterations, dtype=torch.bool)
    else:
        plan, iterations, converged = METHODS[settings.method](problem, settings)
        plan, converged = _finite(problem, plan, converged)
    return TransportSolution(
        plan=plan,
        cost=transport_cost(plan, problem.cost),
        marginal_error=problem.marginal_error(plan),
        iterations=iterations,
        converged=converged,
    )


def _finite(problem: TransportProblem, plan: Tensor, converged: Tensor) -> tuple[Tensor, Tensor]:
    """Replace plans that overflowed by a b' / total, and mark them as not converged."""
    good = torch.isfinite(plan.sum((-1, -2)))
    if bool(good.all()):
        return plan, converged
    total = problem.b.sum(-1).clamp_min(torch.finfo(plan.dtype).tiny)
    apart = problem.a[:, :, None] * (problem.b / total[:, None])[:, None, :]
    return torch.where(good[:, None, None], plan, apart), converged & good
