import pytest
import torch

from optical_core.transport import TransportSettings, compiled_sinkhorn, solve
from optical_core.transport.convergence import convergence


def pair():
    generator = torch.Generator().manual_seed(0)
    cost = torch.rand(1, 6, 9, generator=generator)
    return cost, torch.full((1, 6), 1 / 6), torch.full((1, 9), 1 / 9)


@pytest.fixture(autouse=True)
def batched(monkeypatch):
    """The solvers that are watched, not the compiled one."""
    monkeypatch.setattr(compiled_sinkhorn, "applies", lambda problem: False)


@pytest.mark.parametrize("method", ["sinkhorn", "ipot", "unbalanced"])
@pytest.mark.parametrize("epsilon", [0.02, 0.3])
def test_there_is_a_point_an_iteration_and_each_is_the_solvers_own_report(method, epsilon):
    points = convergence(*pair(), TransportSettings(method, epsilon=epsilon))
    end = solve(*pair(), TransportSettings(method, epsilon=epsilon))
    assert [point.iterations for point in points] == list(range(1, int(end.iterations) + 1))
    for point in (points[len(points) // 2], points[-1]):
        report = solve(
            *pair(), TransportSettings(method, epsilon=epsilon, max_iterations=point.iterations)
        )
        if report.plan.any():  # Sinkhorn has no plan of its own while it halves eps
            found = (point.iterations, point.marginal_error, point.cost)
            assert found == (
                int(report.iterations),
                pytest.approx(float(report.marginal_error), rel=1e-4, abs=1e-6),
                pytest.approx(float(report.cost), rel=1e-4),
            )


def test_the_error_falls_and_the_cost_settles():
    points = convergence(*pair(), TransportSettings("sinkhorn", epsilon=0.05))
    assert points[-1].marginal_error < 1e-3 < points[0].marginal_error
    assert all(0 < point.cost < 1 and point.marginal_error < 2 for point in points)


def test_an_exact_solver_has_no_way_to_show_and_an_unknown_one_is_refused():
    assert convergence(*pair(), TransportSettings("exact", epsilon=0.1)) == []
    with pytest.raises(ValueError, match="method must be one of"):
        convergence(*pair(), TransportSettings("magic", epsilon=0.1))


def test_plans_are_kept_where_asked_and_the_last_one_is_the_solver_s():
    settings = TransportSettings("unbalanced", epsilon=0.1)
    points = convergence(*pair(), settings, kept=(1, 5))
    kept = [point.iterations for point in points if point.plan is not None]
    assert kept == [1, 5, points[-1].iterations]
    torch.testing.assert_close(points[-1].plan, solve(*pair(), settings).plan[0])
    assert all(point.plan is None for point in convergence(*pair(), settings))
