"""The transport problem and its solution: what every solver takes and returns."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from optical_core.transport.settings import MOST_ITERATIONS, TransportSettings

MASS_TOLERANCE = 1e-3
"""Total masses that differ by at most this share of the total count as equal. For bf16 the limit
is higher: twice the dtype's rounding."""


@dataclass(frozen=True)
class TransportProblem:
    """A validated batch: `cost` (B, n, m), `a` (B, n), `b` (B, m), fp32 or better."""

    cost: Tensor
    a: Tensor
    b: Tensor

    @property
    def total(self) -> Tensor:
        """Source mass of each pair, shape (B,)."""
        return self.a.sum(-1)

    def marginal_error(self, plan: Tensor) -> Tensor:
        """Sum the L1 distances of the plan's marginals from `a` and `b`: shape (B,)."""
        rows = (plan.sum(-1) - self.a).abs().sum(-1)
        columns = (plan.sum(-2) - self.b).abs().sum(-1)
        return rows + columns


@dataclass(frozen=True)
class TransportSolution:
    """A solver's result and its diagnostics.

    Attributes:
        plan: (B, n, m), non-negative, zero on padding. A constant: no gradient flows through it
            (envelope theorem, see `transport_cost`).
        cost: (B,), the Frobenius product ⟨P, C⟩.
        marginal_error: (B,), `|P1 - a|_1 + |P'1 - b|_1`. For `unbalanced` it is part of the
            result, not an error.
        iterations: (B,), row-and-column updates used; for `exact` 0.
        converged: (B,), bool.

    Examples:
        >>> from optical_core.transport import TransportSettings, solve
        >>> mass = torch.ones(1, 1)
        >>> solution = solve(torch.tensor([[[0.5]]]), mass, mass, TransportSettings("sinkhorn"))
        >>> float(solution.cost), bool(solution.converged)
        (0.5, True)
    """

    plan: Tensor
    cost: Tensor
    marginal_error: Tensor
    iterations: Tensor
    converged: Tensor


Watch = Callable[[int, Tensor], None]
"""Called by an iterative solver after each iteration, with their number and the plan (B, n, m)."""


def transport_cost(plan: Tensor, cost: Tensor) -> Tensor:
    """Compute ⟨P, C⟩ of each pair, shape (B,), with the plan held constant.

    The gradient with respect to C is P. This is the gradient of the *exact* optimal cost and of
    the `entropic_objective`. It isn't the gradient of ⟨P_eps(C), C⟩.
    """
    return (plan.detach() * cost).sum((-1, -2))


def entropic_objective(plan: Tensor, cost: Tensor, epsilon: float) -> Tensor:
    """Compute what Sinkhorn minimises: ⟨P, C⟩ + eps * sum P (log P - 1), (B,) (Cuturi 2013)."""
    return (plan * cost + epsilon * (torch.xlogy(plan, plan) - plan)).sum((-1, -2))


def validate(cost: Tensor, a: Tensor, b: Tensor, *, balanced: bool) -> TransportProblem:
    """Check shapes and values, and convert everything to one dtype (at least fp32).

    Raises:
        ValueError: wrong shape, NaN or infinity, negative mass, or (if `balanced`) unequal total
            masses. The message names the argument.
    """
    if cost.dim() != 3:
        raise ValueError(f"cost must have shape (B, n, m), got {tuple(cost.shape)}")
    pairs, n, m = cost.shape
    for name, mass, size in (("a", a, n), ("b", b, m)):
        if mass.shape != (pairs, size):
            raise ValueError(f"{name} must have shape {(pairs, size)}, got {tuple(mass.shape)}")
    for name, tensor in (("cost", cost), ("a", a), ("b", b)):
        if tensor.is_complex():
            raise ValueError(f"{name} must be real, got {tensor.dtype}")
    a, b = (mass if mass.is_floating_point() else mass.float() for mass in (a, b))
    rounding = 2 * max(torch.finfo(mass.dtype).eps for mass in (a, b))
    dtype = torch.promote_types(torch.promote_types(cost.dtype, a.dtype), b.dtype)
    dtype = torch.promote_types(dtype, torch.float32)
    cost, a, b = (tensor.detach().to(dtype) for tensor in (cost, a, b))
    # The sum is finite only if every entry is. It is quick to compute, and rarely overflows.
    if not torch.isfinite(cost.sum() + a.sum() + b.sum()):
        live = (a[:, :, None] != 0) & (b[:, None, :] != 0)
        for name, tensor in (("cost", cost[live]), ("a", a), ("b", b)):
            if not torch.isfinite(tensor).all():
                raise ValueError(f"{name} must be finite, but has NaN or infinite entries")
        cost = torch.where(live, cost, 0)
    for name, mass in (("a", a), ("b", b)):
        if mass.numel() and (least := mass.min()) < 0:
            raise ValueError(f"{name} must not be negative, its smallest entry is {least:g}")
    if cost.numel():
        most = cost.abs().max() * torch.maximum(a.sum(-1), b.sum(-1)).max().clamp_min(1)
        if not torch.isfinite(most):
            raise ValueError(f"cost and mass are too large: their product overflows {dtype}")
    if balanced:
        total_a, total_b = a.sum(-1), b.sum(-1)
        difference = (total_a - total_b).abs()
        allowed = max(MASS_TOLERANCE, rounding) * torch.maximum(total_a, total_b)
        if bool((difference > allowed).any()):
            worst = int(difference.argmax())
            raise ValueError(
                f"a and b must have equal total mass, pair {worst} has {total_a[worst]:g} and "
                f"{total_b[worst]:g}; method='unbalanced' takes unequal masses"
            )
        # The input dtype's rounding (bf16, say) must not keep a solver from converging.
        b = b * torch.where(total_b > 0, total_a / total_b, 1)[:, None]
    return TransportProblem(cost, a, b)


def posed(
    cost: Tensor, a: Tensor, b: Tensor, settings: TransportSettings
) -> tuple[TransportProblem, TransportSettings]:
    """Validate a problem and fit the settings to it: no infinity, an eps that its dtype can hold.

    Raises:
        ValueError: as `validate`, or an `epsilon_share` that isn't set against a spread.
    """
    if settings.epsilon_share is not None:
        raise ValueError("epsilon_share must be set against costs: use settings.for_spread(spread)")
    balanced = settings.method != "unbalanced" or math.isinf(settings.mass_penalty)
    problem = validate(cost, a, b, balanced=balanced)
    return problem, replace(
        settings,
        method="sinkhorn" if balanced and settings.method == "unbalanced" else settings.method,
        epsilon=_known_epsilon(problem, float(settings.epsilon)),
        tolerance=float(settings.tolerance),
        mass_penalty=float(settings.mass_penalty),
        max_iterations=min(int(settings.max_iterations), MOST_ITERATIONS),
    )


def _known_epsilon(problem: TransportProblem, epsilon: float) -> float:
    """Limit eps to what the dtype can tell from 0 and from infinity beside the costs."""
    if not problem.cost.numel():
        return epsilon
    size = float(problem.cost.abs().max())
    info = torch.finfo(problem.cost.dtype)
    least = max(size * info.eps**2, info.tiny / info.eps)
    most = min(max(size, 1.0) / info.eps**2, info.max * info.eps)
    return min(max(epsilon, least), most)
