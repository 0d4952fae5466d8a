"""Sinkhorn and exact transport of ragged pairs of translated sentences.

Marginal errors are L1 distances of a plan's marginals from the masses, summed over both sides. They
are shares of the mass, which is 1. Each contender stops at the same tolerance by its own rule: ours
and OTT-JAX look at the L1 error of one side, POT's loop at the L2 error of one side, and POT's
batch solver at the largest change of a scaling.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import ot
import torch
from torch import Tensor

from optical_core.transport import TransportSettings, exact, lanes, solve
from optical_core.transport.compiled_sinkhorn import compiled_sinkhorn
from optical_core.transport.problem import validate
from optical_core.transport.sinkhorn import sinkhorn
from tests.benchmarks.peers import peer
from tests.benchmarks.timing import OURS, Row, row, side_by_side
from tests.benchmarks.translations import Costs, translation_costs

PACKAGES = ("torch", "scipy", "POT", "ott-jax", "jax")
LENGTHS = ((8, 32), (48, 64))
MOST = 1000
"""Iterations after which all contenders give up."""
TIMES_PORTABLE = 2
"""A path should be so many times as fast as plain C."""


def rows(quick: bool) -> Iterator[Row]:
    sentences = 160 if quick else 600
    for pairs in (128,) if quick else (128, 512):
        for lengths in LENGTHS:
            costs = translation_costs(pairs, *lengths, sentences)
            case = f"{pairs} pairs, {lengths[0]}-{lengths[1]} tokens"
            for epsilon in (0.05,) if quick else (0.1, 0.05, 0.02):
                for tolerance in (1e-4, 1e-6):
                    yield _sinkhorn(case, costs, epsilon, tolerance)
            yield _exact(case, costs)
            yield from _paths(case, costs)


def _sinkhorn(case: str, costs: Costs, epsilon: float, tolerance: float) -> Row:
    cost, a, b = costs.cost, costs.a, costs.b
    settings = TransportSettings("sinkhorn", epsilon, tolerance=tolerance, max_iterations=MOST)
    alone = costs.alone

    def pot_loop() -> list[np.ndarray]:
        return [
            ot.sinkhorn(*pair, epsilon, stopThr=tolerance, numItermax=MOST, warn=False)
            for pair in alone
        ]

    contenders: dict[str, Callable[[], Any]] = {
        OURS: lambda: solve(cost, a, b, settings).plan,
        f"{OURS}, batched torch": lambda: sinkhorn(validate(cost, a, b, balanced=True), settings)[
            0
        ],
        "POT solve_batch": lambda: (
            ot.solve_batch(
                cost, epsilon, a, b, method="sinkhorn", grad="detach", max_iter=MOST, tol=tolerance
            ).plan
        ),
        "POT loop": pot_loop,
    }
    ott = _ott(costs, epsilon, tolerance)
    if ott is not None:
        contenders["OTT-JAX vmap"] = ott
    plans = {name: _padded(run(), costs) for name, run in contenders.items()}
    name = f"Sinkhorn, {case}, eps {epsilon}, error {tolerance:.0e}"
    return row("transport", name, contenders, quality=_quality(plans, costs))


def _exact(case: str, costs: Costs) -> Row:
    alone = costs.alone
    contenders: dict[str, Callable[[], Any]] = {
        OURS: lambda: solve(costs.cost, costs.a, costs.b, TransportSettings("exact")).plan,
        "POT emd loop": lambda: [ot.emd(*pair) for pair in alone],
    }
    plans = {name: _padded(run(), costs) for name, run in contenders.items()}
    each = [(plan * costs.cost).sum((1, 2)) for plan in plans.values()]
    quality = _quality(plans, costs)
    quality["largest difference of costs"] = float((each[0] - each[1]).abs().max())
    return row("transport", f"exact, {case}", contenders, quality=quality)


def _paths(case: str, costs: Costs) -> Iterator[Row]:
    """Compare the paths of the C solvers on this processor with the portable one."""
    problem = validate(costs.cost, costs.a, costs.b, balanced=True)
    arrays = [x.numpy() for x in (costs.cost, costs.a.double(), costs.b.double())]
    settings = TransportSettings("sinkhorn", tolerance=1e-6, max_iterations=MOST)
    solvers: dict[str, tuple[Sequence[str], Callable[[str], Any]]] = {
        "Sinkhorn, eps 0.05, error 1e-06": (
            lanes.paths(),
            lambda path: compiled_sinkhorn(problem, settings, path=path),
        ),
        "exact": (exact.paths(), lambda path: exact.shortest_paths(*arrays, 10**6, path=path)),
    }
    for name, (paths, solver) in solvers.items() if lanes.paths() else ():
        timings = side_by_side({path: partial(solver, path) for path in paths})
        # The least time, because other work on the machine can only add to it.
        plain = timings["portable"].least
        times = {path: plain / timing.least for path, timing in timings.items()}
        quality = {f"{path}: times portable": value for path, value in times.items()}
        quality |= {"target": TIMES_PORTABLE, "met": times[paths[-1]] >= TIMES_PORTABLE}
        beside = {f"{OURS}, {path}": timing for path, timing in timings.items()}
        yield Row("transport", f"{name}, {case}, paths in C", timings[paths[-1]], beside, quality)


def _ott(costs: Costs, epsilon: float, tolerance: float) -> Callable[[], Any] | None:
    """Prepare OTT-JAX's scaling form, far faster than its log form; None if not installed."""
    if os.environ.get("OMP_NUM_THREADS") == "1":
        # XLA has its own thread pool, which must be set before it starts.
        os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    if peer("ott") is None:
        return None
    import jax
    from ott.geometry.geometry import Geometry
    from ott.problems.linear.linear_problem import LinearProblem
    from ott.solvers.linear.sinkhorn import Sinkhorn

    solver = Sinkhorn(lse_mode=False, threshold=tolerance, max_iterations=MOST)

    def one(cost: Any, a: Any, b: Any) -> Any:
        return solver(LinearProblem(Geometry(cost, epsilon=epsilon), a, b)).matrix

    solved = jax.jit(jax.vmap(one))
    arrays = [jax.numpy.asarray(tensor.numpy()) for tensor in (costs.cost, costs.a, costs.b)]
    return lambda: np.asarray(solved(*arrays))


def _padded(plans: Any, costs: Costs) -> Tensor:
    """Bring plans of a batch, or of each pair alone, to (B, n, m) in fp64."""
    if not isinstance(plans, list):
        return torch.as_tensor(np.array(plans)).double()
    full = torch.zeros(costs.cost.shape, dtype=torch.float64)
    for place, plan in zip(full, plans, strict=True):
        place[: plan.shape[0], : plan.shape[1]] = torch.from_numpy(plan)
    return full


def _quality(plans: Mapping[str, Tensor], costs: Costs) -> dict[str, Any]:
    """Compute each contender's largest L1 marginal error and mean cost."""
    quality = {}
    for name, plan in plans.items():
        error = (plan.sum(2) - costs.a).abs().sum(1) + (plan.sum(1) - costs.b).abs().sum(1)
        quality[f"error {name}"] = float(error.max())
        quality[f"cost {name}"] = float((plan * costs.cost).sum((1, 2)).mean())
    return quality
