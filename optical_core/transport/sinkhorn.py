"""Entropic optimal transport by Sinkhorn's matrix scaling (Cuturi 2013), stabilised.

Each round absorbs the scalings into the potentials with one iteration in the log domain. Cheap
scaling iterations follow on the resulting kernel, whose rows and columns are close to their
marginals (Schmitzer 2019, algorithm 2). So a small eps doesn't overflow, and only one iteration a
round pays for log-sum-exp. Eps begins at the size of the costs and is halved until it is reached.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from optical_core.transport.problem import TransportProblem, Watch
from optical_core.transport.settings import TransportSettings

ROUND = 10
"""Scaling iterations between two looks at the marginal error (a host sync on a GPU)."""


def sinkhorn(
    problem: TransportProblem,
    settings: TransportSettings,
    *,
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Solve the eps-regularised problem.

    Args:
        problem: B pairs.
        settings: epsilon, tolerance and max_iterations are used.
        watch: only for B = 1, because pairs that have converged are dropped. While eps is being
            halved, it gets the plans of the larger eps.

    Returns:
        Plan (B, n, m), iterations (B,) and converged (B,).
    """
    cost, a, b = problem.cost, problem.a, problem.b
    epsilon, max_iterations = settings.epsilon, settings.max_iterations
    pairs = len(cost)
    plan = torch.zeros_like(cost)
    iterations = torch.zeros(pairs, dtype=torch.long, device=cost.device)
    converged = problem.total == 0
    active = (~converged).nonzero().squeeze(-1)
    # A token without mass has the potential minus infinity: it adds nothing to any sum.
    f = torch.where(a > 0, 0.0, -torch.inf).to(a)
    g = torch.where(b > 0, 0.0, -torch.inf).to(b)
    limit = settings.tolerance * problem.total
    live = cost[(a[:, :, None] > 0) & (b[:, None, :] > 0)]
    spread = float((live.amax() - live.amin()).clamp_min(epsilon)) if len(live) else epsilon

    current, done = max(epsilon, spread / 4), 0
    while len(active) and done < max_iterations:
        steps = min(ROUND, max_iterations - done)
        selected = cost[active], a[active], b[active], f[active], g[active]
        seen = None if watch is None else partial(_numbered, watch, done)
        kernel, f_new, g_new = _scaling_round(*selected, epsilon=current, steps=steps, watch=seen)
        f[active], g[active] = f_new, g_new
        done += steps
        if current > epsilon:
            current = max(epsilon, current / 2)
            continue
        error = (kernel.sum(-1) - a[active]).abs().sum(-1)
        plan[active], iterations[active] = kernel, done
        finished = error <= limit[active]
        converged[active[finished]] = True
        active = active[~finished]
    return plan, iterations, converged


def _numbered(watch: Watch, done: int, step: int, plan: Tensor) -> None:
    watch(done + step, plan)


def _scaling_round(
    cost: Tensor,
    a: Tensor,
    b: Tensor,
    f: Tensor,
    g: Tensor,
    *,
    epsilon: float,
    steps: int,
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run one log-domain and `steps - 1` scaling iterations: plan and new potentials."""
    tiny = torch.finfo(cost.dtype).tiny
    log_a, log_b = a.log(), b.log()
    f = epsilon * (log_a - torch.logsumexp((g[:, None, :] - cost) / epsilon, -1))
    f = torch.where(a > 0, f, -torch.inf)
    g = epsilon * (log_b - torch.logsumexp((f[:, :, None] - cost) / epsilon, -2))
    g = torch.where(b > 0, g, -torch.inf)
    kernel = ((f[:, :, None] + g[:, None, :] - cost) / epsilon).exp()
    u, v = torch.ones_like(a), torch.ones_like(b)
    for step in range(1, steps):
        if watch is not None:
            watch(step, u[:, :, None] * kernel * v[:, None, :])
        u = a / torch.einsum("bnm,bm->bn", kernel, v).clamp_min(tiny)
        v = b / torch.einsum("bnm,bn->bm", kernel, u).clamp_min(tiny)
    # Where the clamp had to act, no scaling is finite in this dtype: keep the potential.
    u = torch.where(torch.isfinite(u) & (u > 0), u, 1)
    v = torch.where(torch.isfinite(v) & (v > 0), v, 1)
    plan = u[:, :, None] * kernel * v[:, None, :]
    plan = torch.where(torch.isfinite(plan), plan, kernel)
    if watch is not None:
        watch(steps, plan)
    return plan, f + epsilon * u.log(), g + epsilon * v.log()
