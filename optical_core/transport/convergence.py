"""A solver's progress: its diagnostics after every iteration."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from optical_core.transport.problem import posed, transport_cost
from optical_core.transport.proximal import ipot
from optical_core.transport.settings import TransportSettings
from optical_core.transport.sinkhorn import sinkhorn
from optical_core.transport.unbalanced import unbalanced

_WATCHED = {"sinkhorn": sinkhorn, "ipot": ipot, "unbalanced": unbalanced}
"""The solvers that report each iteration: those in torch, not the compiled ones."""


@dataclass(frozen=True)
class ConvergencePoint:
    """One pair's plan after some iterations.

    Attributes:
        iterations: how many there were.
        marginal_error: L1.
        cost: ⟨P, C⟩.
        plan: (n, m), if it was to be kept.
    """

    iterations: int
    marginal_error: float
    cost: float
    plan: Tensor | None = None


@torch.no_grad()
def convergence(
    cost: Tensor,
    a: Tensor,
    b: Tensor,
    settings: TransportSettings,
    *,
    kept: Container[int] = (),
) -> list[ConvergencePoint]:
    """Solve one pair and report its diagnostics after each iteration, until it converges.

    Args:
        cost: (1, n, m).
        a: (1, n), source mass.
        b: (1, m), target mass.
        settings: the solver and its options.
        kept: the numbers of the iterations whose plans are kept. If there are any, so is the last.

    Returns:
        A point an iteration. Sinkhorn's first points belong to larger values of eps, which it
        halves. The list is empty for `exact`, which doesn't iterate.

    Raises:
        ValueError: as `solve`.
    """
    points: list[ConvergencePoint] = []
    if settings.method == "exact":
        return points
    if settings.method not in _WATCHED:
        methods = ", ".join(("exact", *_WATCHED))
        raise ValueError(f"method must be one of {methods}, got {settings.method!r}")
    problem, settings = posed(cost, a, b, settings)

    latest = None

    def watch(iteration: int, plan: Tensor) -> None:
        nonlocal latest
        latest = plan[0]
        error = float(problem.marginal_error(plan)[0])
        value = float(transport_cost(plan, problem.cost)[0])
        points.append(
            ConvergencePoint(iteration, error, value, latest if iteration in kept else None)
        )

    _WATCHED[settings.method](problem, settings, watch=watch)
    if points and kept:
        points[-1] = replace(points[-1], plan=latest)
    return points
