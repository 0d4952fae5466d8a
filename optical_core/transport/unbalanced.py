"""Unbalanced entropic transport: mass may be left behind at a price (Chizat et al. 2018).

It minimises ⟨P, C⟩ + eps KL(P | a b') + rho KL(P1 | a) + rho KL(P'1 | b): a token without a
counterpart need not be matched.
"""

from __future__ import annotations

import torch
from torch import Tensor

from optical_core.transport.problem import TransportProblem, Watch
from optical_core.transport.settings import TransportSettings

LOOK = 10


def unbalanced(
    problem: TransportProblem,
    settings: TransportSettings,
    *,
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Solve the unbalanced problem; `mass_penalty` is rho.

    A pair has converged when the last step moved its potentials by at most `tolerance`. This is a
    share of the largest potential or, if that is more, of `mass_penalty` (kept between eps and ten
    eps), so the unit of cost doesn't matter.

    Returns:
        Plan (B, n, m), iterations (B,) and converged (B,).
    """
    cost, a, b = problem.cost, problem.a, problem.b
    epsilon, mass_penalty = settings.epsilon, settings.mass_penalty
    max_iterations = settings.max_iterations
    damping = 1 / (1 + epsilon / mass_penalty)
    floor = min(max(epsilon, mass_penalty), 10 * epsilon)
    log_a, log_b = a.log(), b.log()
    f, g = torch.zeros_like(a), torch.zeros_like(b)
    empty = (problem.total == 0) | (b.sum(-1) == 0)
    iterations = torch.zeros(len(cost), dtype=torch.long, device=cost.device)
    converged = empty.clone()
    for step in range(1, max_iterations + 1):
        if step % LOOK == 1 and bool(converged.all()):
            break
        f_new = _soft_minimum(cost, g, log_b, epsilon, damping, dim=-1)
        f_new = torch.where((a > 0) & ~converged[:, None], f_new, f)
        g_new = _soft_minimum(cost, f_new, log_a, epsilon, damping, dim=-2)
        g_new = torch.where((b > 0) & ~converged[:, None], g_new, g)
        moved = torch.maximum((f_new - f).abs().amax(-1), (g_new - g).abs().amax(-1))
        f, g = f_new, g_new
        iterations += ~converged
        if watch is not None:
            watch(step, _plan(problem, f, g, epsilon))
        if step % LOOK == 0 or step == max_iterations:
            largest = torch.maximum(f.abs().amax(-1), g.abs().amax(-1))
            converged = converged | (moved <= settings.tolerance * largest.clamp_min(floor))
    plan = _plan(problem, f, g, epsilon)
    return torch.where(empty[:, None, None], 0.0, plan), iterations, converged


def _plan(problem: TransportProblem, f: Tensor, g: Tensor, epsilon: float) -> Tensor:
    """Compute the plan of potentials f (B, n) and g (B, m)."""
    exponent = (f[:, :, None] + g[:, None, :] - problem.cost) / epsilon
    return (problem.a.log()[:, :, None] + problem.b.log()[:, None, :] + exponent).exp()


def _soft_minimum(
    cost: Tensor, potential: Tensor, log_mass: Tensor, epsilon: float, damping: float, dim: int
) -> Tensor:
    other = potential / epsilon + log_mass
    other = other[:, None, :] if dim == -1 else other[:, :, None]
    return -damping * epsilon * torch.logsumexp(other - cost / epsilon, dim)
