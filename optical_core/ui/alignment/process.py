"""How solvers find a plan: their plans after chosen iterations and for several eps, for animation.

All is computed once and sent to the browser, which moves between the plans by itself.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from optical_core.figures.theme import BLUE, FONT, GREEN, ORANGE
from optical_core.models.alignment import EncodedPair, convergence_of, solve_pair
from optical_core.transport import TransportPlan, TransportSettings
from optical_core.ui.alignment.flows import plan_flow, side_data

EPSILONS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
STOPS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200)
"""Iterations whose plans are shown; the browser draws those between as mixtures."""
MOST_CELLS = 3600
"""Most pairs of words or tokens that are animated: 2.8 MB."""
SOLVERS = ("sinkhorn", "unbalanced")
"""Beside the exact one; `ipot` takes the place of the first if it is the view's."""
_NAMES = {"sinkhorn": "Sinkhorn", "ipot": "IPOT", "unbalanced": "Unbalanced"}
_TOP = 65535


def process_data(
    pair: EncodedPair,
    settings: TransportSettings,
    unit: str,
    *,
    languages: tuple[str, str] = ("", ""),
) -> dict[str, Any] | None:
    """Solve a pair exactly and with each iterative solver at each eps: JSON for `process.js`.

    Args:
        pair: an encoded pair.
        settings: the marginals and rho of the view, the solver and the eps that it begins with.
        unit: `word` or `token`.
        languages: codes of the left and the right text.

    Returns:
        None if the texts are too long to be animated.
    """
    exact = solve_pair(pair, replace(settings, method="exact"))
    flow = plan_flow(exact, unit)
    if flow.mass.size > MOST_CELLS:
        return None
    first = "ipot" if settings.method == "ipot" else SOLVERS[0]
    runs = {
        method: [
            _run(pair, replace(settings, method=method, epsilon=epsilon), exact, unit)
            for epsilon in EPSILONS
        ]
        for method in (first, *SOLVERS[1:])
    }
    shown = _shown(exact, exact.plan, unit)
    masses = [run["plans"] for each in runs.values() for run in each]
    scale = max(float(plans.max(initial=0.0)) for plans in [shown, *masses]) or 1.0
    for each in runs.values():
        for run in each:
            run["plans"] = _packed(run["plans"], scale)
    report = exact.report["marginal_error"]
    once = {"plans": _packed(shown, scale), "costs": [exact.total_cost], "errors": [report]}
    costs = flow.cost if flow.cost.size else np.zeros(1)
    low, high = float(costs.min()), float(costs.max())
    return {
        **side_data(flow, languages),
        "font": FONT,
        "colours": [BLUE, ORANGE],
        "lines": [BLUE, GREEN],
        "low": low,
        "high": max(high, low + 1e-6),
        "cost": [float(f"{cost:.4g}") for cost in flow.cost.flat],
        "least": 0.25 * float(flow.source_mass.mean()) / max(len(flow.target), 1),
        "scale": scale,
        "stops": STOPS,
        "epsilons": EPSILONS,
        "start": int(np.abs(np.log(np.divide(EPSILONS, settings.epsilon))).argmin()),
        "exact": {"name": "Exact", "runs": [once | {"iterations": 0}]},
        "solvers": [{"name": _NAMES[method], "runs": each} for method, each in runs.items()],
    }


def _run(
    pair: EncodedPair, settings: TransportSettings, exact: TransportPlan, unit: str
) -> dict[str, Any]:
    """One solver at one eps: its plans at the stops, its cost and error after each iteration."""
    limited = replace(settings, max_iterations=STOPS[-1])
    points = convergence_of(pair, limited, kept=STOPS)
    plans = [point.plan.double().numpy() for point in points if point.plan is not None]
    return {
        "plans": np.stack([_shown(exact, plan, unit) for plan in plans]),
        "costs": _rounded([point.cost for point in points]),
        "errors": _rounded([point.marginal_error for point in points]),
        "iterations": len(points),
    }


def _shown(exact: TransportPlan, plan: np.ndarray, unit: str) -> np.ndarray:
    solved = replace(exact, plan=plan)
    return solved.words().plan if unit == "word" else solved.plan


def _packed(plans: np.ndarray, scale: float) -> str:
    """Masses as 16 bits each, shares of `scale`, in base64."""
    shares = np.rint(plans / scale * _TOP).astype("<u2")
    return base64.b64encode(shares.tobytes()).decode("ascii")


def _rounded(values: Sequence[float]) -> list[float]:
    return [float(f"{value:.4g}") for value in values]
