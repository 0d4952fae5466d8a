"""IPOT: inexact proximal point optimal transport (Xie, Wang, Wang, Zha; UAI 2019).

P_(t+1) = Sinkhorn step on exp(-C / beta) * P_t. After T steps it equals Sinkhorn at
eps = beta / T, so it approaches the exact plan without a small eps. All of it is in the log domain.
"""

from __future__ import annotations

import torch
from torch import Tensor

from optical_core.transport.problem import TransportProblem, Watch
from optical_core.transport.settings import TransportSettings

LOOK = 10
"""Iterations between two looks at convergence (a host sync on a GPU)."""


def ipot(
    problem: TransportProblem,
    settings: TransportSettings,
    *,
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Solve by proximal point steps; `epsilon` is the paper's step size beta.

    A pair has converged when its marginal error and the relative change of ⟨P, C⟩ since the last
    look are both within `tolerance`: a plan whose marginals fit need not be optimal.

    Returns:
        Plan (B, n, m), iterations (B,) and converged (B,).
    """
    cost, a, b = problem.cost, problem.a, problem.b
    tolerance, max_iterations = settings.tolerance, settings.max_iterations
    log_a, log_b = a.log(), b.log()
    log_plan = torch.where((a[:, :, None] > 0) & (b[:, None, :] > 0), 0.0, -torch.inf)
    log_plan = log_plan.to(cost.dtype)
    log_v = torch.where(b > 0, 0.0, -torch.inf).to(cost.dtype)
    iterations = torch.zeros(len(cost), dtype=torch.long, device=cost.device)
    converged = problem.total == 0
    previous = torch.full_like(problem.total, torch.inf)
    # A value near 0 is compared with the size of the costs, so their unit doesn't matter.
    least = tolerance * cost.abs().amax((-1, -2)) * problem.total
    for step in range(1, max_iterations + 1):
        if step % LOOK == 1 and bool(converged.all()):
            break
        log_kernel = log_plan - cost / settings.epsilon
        log_u = _difference(log_a, torch.logsumexp(log_kernel + log_v[:, None, :], -1))
        log_v_new = _difference(log_b, torch.logsumexp(log_kernel + log_u[:, :, None], -2))
        log_plan_new = log_u[:, :, None] + log_kernel + log_v_new[:, None, :]
        # A converged pair stays as it is: its result must not depend on its neighbours.
        log_plan = torch.where(converged[:, None, None], log_plan, log_plan_new)
        log_v = torch.where(converged[:, None], log_v, log_v_new)
        iterations += ~converged
        if watch is not None:
            watch(step, log_plan.exp())
        if step % LOOK == 0 or step == max_iterations:
            plan = log_plan.exp()
            value = (plan * cost).sum((-1, -2))
            settled = (value - previous).abs() <= tolerance * torch.maximum(value.abs(), least)
            fits = problem.marginal_error(plan) <= tolerance * problem.total
            converged, previous = converged | (settled & fits), value
    plan = log_plan.exp()
    return torch.where((problem.total == 0)[:, None, None], 0.0, plan), iterations, converged


def _difference(log_mass: Tensor, log_sum: Tensor) -> Tensor:
    """log_mass - log_sum where there is mass, -inf on padding (where it would be NaN)."""
    return torch.where(torch.isneginf(log_mass), -torch.inf, log_mass - log_sum)
