import pytest
import torch

from optical_core.transport import compiled_sinkhorn, solve
from optical_core.transport.convergence import STEPS, convergence


def pair():
    generator = torch.Generator().manual_seed(0)
    cost = torch.rand(1, 6, 9, generator=generator)
    return cost, torch.full((1, 6), 1 / 6), torch.full((1, 9), 1 / 9)


@pytest.mark.parametrize("method", ["sinkhorn", "ipot", "unbalanced"])
def test_each_point_is_the_solvers_own_report_after_so_many_iterations(method):
    points = convergence(*pair(), method=method, epsilon=0.1)
    reports = [solve(*pair(), method=method, epsilon=0.1, max_iterations=n) for n in STEPS]
    ends = [bool(report.converged) for report in reports].index(True) + 1
    assert [(p.iterations, p.marginal_error, p.cost) for p in points] == [
        (int(r.iterations), float(r.marginal_error), float(r.cost))
        for r in reports[:ends]
        if r.plan.any()
    ]


def test_rounds_without_a_plan_are_left_out(monkeypatch):
    # Batched Sinkhorn halves eps, from a quarter of the costs' spread: it has no plan before.
    monkeypatch.setattr(compiled_sinkhorn, "applies", lambda problem: False)
    cost, a, b = pair()
    points = convergence(cost, a, b, method="sinkhorn", epsilon=0.01)
    assert points[0].iterations > STEPS[0]
    assert all(point.marginal_error < 2 for point in points)


def test_an_exact_solver_has_no_way_to_show():
    assert convergence(*pair(), method="exact", epsilon=0.1) == []
