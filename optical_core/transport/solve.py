"""One entry for every solver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from optical_core.transport import compiled_sinkhorn, fused_sinkhorn
from optical_core.transport.exact import exact
from optical_core.transport.options import checked
from optical_core.transport.problem import (
    TransportProblem,
    TransportSolution,
    resolved_epsilon,
    transport_cost,
    validate,
)
from optical_core.transport.proximal import ipot
from optical_core.transport.sinkhorn import sinkhorn
from optical_core.transport.unbalanced import unbalanced


def fastest_sinkhorn(problem: TransportProblem, **options: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The compiled loop (CPU, fp32) or the fused kernel (GPU, Triton), else the batched one."""
    if compiled_sinkhorn.applies(problem):
        return compiled_sinkhorn.compiled_sinkhorn(problem, **options)
    if fused_sinkhorn.applies(problem):
        return fused_sinkhorn.fused_sinkhorn(problem, **options)
    return sinkhorn(problem, **options)


METHODS: dict[str, Callable[..., tuple[Tensor, Tensor, Tensor]]] = {
    "sinkhorn": fastest_sinkhorn,
    "ipot": ipot,
    "exact": exact,
    "unbalanced": unbalanced,
}
"""Registry of solvers: one line adds one. Each takes a TransportProblem and returns plan,
iterations and converged."""


@torch.no_grad()
def solve(
    cost: Tensor,
    a: Tensor,
    b: Tensor,
    *,
    method: str = "sinkhorn",
    epsilon: float = 0.05,
    tolerance: float = 1e-4,
    max_iterations: int = 1000,
    **options: Any,
) -> TransportSolution:
    """Solve B transport problems at once.

    Args:
        cost: (B, n, m), any float dtype and device; the work is done in fp32 or better.
        a: (B, n), source mass; zero mass marks padding, whose cost is never looked at.
        b: (B, m), target mass; same total as `a` in each pair, except for `unbalanced`.
        method: `sinkhorn`, `ipot`, `exact` or `unbalanced`.
        epsilon: strength of the entropy term, in units of cost (for `ipot` the step beta). An
            eps that isn't small against the spread of the costs blurs the plan; one that the
            dtype can't tell from 0, or from infinity, against them is raised or lowered to what
            it can.
        tolerance: largest marginal error, as a share of the mass, that counts as converged.
        max_iterations: per pair; a pair that reaches it is returned as it stands.
        options: of one solver alone: `mass_penalty` (rho) of `unbalanced`, in units of cost,
            0.5 by default. Infinity means balanced transport: `sinkhorn`.

    Returns:
        A TransportSolution. Never NaN: a pair that can't converge in its dtype says so. Costs,
        epsilon and mass_penalty in another unit give the same plan.

    Raises:
        ValueError: an argument of wrong shape, NaN or infinite, negative mass, unequal totals, an
            option that is NaN, infinite or not above 0, or an unknown method or option; the
            message names the argument.

    Examples:
        >>> cost = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
        >>> half = torch.tensor([[0.5, 0.5]])
        >>> solve(cost, half, half, method="exact").plan
        tensor([[[0.5000, 0.0000],
                 [0.0000, 0.5000]]])
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    method, settings = checked(method, epsilon, tolerance, max_iterations, **options)
    problem = validate(cost, a, b, balanced=method != "unbalanced")
    settings["epsilon"] = resolved_epsilon(problem, settings["epsilon"])
    if not problem.cost.numel():
        plan = torch.zeros_like(problem.cost)
        iterations = torch.zeros(len(plan), dtype=torch.long, device=plan.device)
        converged = torch.ones_like(iterations, dtype=torch.bool)
    else:
        plan, iterations, converged = METHODS[method](problem, **settings)
        plan, converged = _finite(problem, plan, converged)
    return TransportSolution(
        plan=plan,
        cost=transport_cost(plan, problem.cost),
        marginal_error=problem.marginal_error(plan),
        iterations=iterations,
        converged=converged,
    )


def _finite(problem: TransportProblem, plan: Tensor, converged: Tensor) -> tuple[Tensor, Tensor]:
    """Plans that overflowed on the way become a b' / total, which isn't converged."""
    good = torch.isfinite(plan.sum((-1, -2)))
    if bool(good.all()):
        return plan, converged
    total = problem.b.sum(-1).clamp_min(torch.finfo(plan.dtype).tiny)
    apart = problem.a[:, :, None] * (problem.b / total[:, None])[:, None, :]
    return torch.where(good[:, None, None], plan, apart), converged & good
