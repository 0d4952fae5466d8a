"""How a solver gets there: its diagnostics after more and more iterations."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from optical_core.transport.solve import solve

STEPS = (10, 20, 30, 40, 50, 60, 70, 80, 100, 120, 150, 200, 300, 500, 800)


@dataclass(frozen=True)
class ConvergencePoint:
    """One pair's plan after `iterations`: marginal error (L1) and ⟨P, C⟩."""

    iterations: int
    marginal_error: float
    cost: float


def convergence(
    cost: Tensor, a: Tensor, b: Tensor, *, method: str, epsilon: float
) -> list[ConvergencePoint]:
    """Diagnostics of one pair (B = 1) after each of `STEPS` iterations, until it converges.

    Each point is a run of its own, cut off there. Rounds in which eps is still annealed have no
    plan yet and are left out. `exact` doesn't iterate: an empty list.
    """
    points: list[ConvergencePoint] = []
    if method == "exact":
        return points
    for limit in STEPS:
        found = solve(cost, a, b, method=method, epsilon=epsilon, max_iterations=limit)
        if float(found.plan.sum()) > 0:
            points.append(
                ConvergencePoint(
                    int(found.iterations[0]), float(found.marginal_error[0]), float(found.cost[0])
                )
            )
        if bool(found.converged[0]):
            break
    return points
