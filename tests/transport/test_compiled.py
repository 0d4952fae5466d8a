"""The C solvers: every path of the processor against torch and POT."""

import shutil

import numpy as np
import pytest
import torch

from optical_core.errors import InputError
from optical_core.transport import TransportSettings, compiled_sinkhorn, exact, lanes, solve
from optical_core.transport.problem import validate
from optical_core.transport.sinkhorn import sinkhorn


def paths():
    found = lanes.paths()
    if not found:
        pytest.skip("no cffi or no C compiler")
    return found


def test_where_cffi_and_a_compiler_are_the_solvers_are_compiled_and_taken(monkeypatch):
    pytest.importorskip("cffi", reason='needs pip install ".[fast]"')
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("no C compiler")
    assert exact.library() is not None
    assert compiled_sinkhorn.applies(validate(*ragged(3, 4), balanced=True))
    monkeypatch.setattr(exact, "network_simplex", None)
    assert solve(*ragged(3, 4), TransportSettings("exact")).converged.all()
    double = validate(*(x.double() for x in ragged(3, 4)), balanced=True)
    assert not compiled_sinkhorn.applies(double)


def ragged(n, m, *, pairs=6, seed=0):
    """Costs and masses with gaps between tokens and behind them."""
    generator = torch.Generator().manual_seed(seed)
    cost = torch.rand(pairs, n, m, generator=generator)
    sides = []
    for size in (n, m):
        mass = torch.rand(pairs, size, generator=generator) + 0.1
        mass[:, 1:] *= torch.rand(pairs, size - 1, generator=generator) > 0.3
        sides.append(mass / mass.sum(1, keepdim=True))
    return cost, *sides


SIZES = [(1, 1), (1, 9), (16, 16), (17, 33), (40, 65), (70, 130)]


@pytest.mark.parametrize(("n", "m"), SIZES)
def test_every_path_of_sinkhorn_reaches_torchs_plan(n, m):
    problem = validate(*ragged(n, m), balanced=True)
    settings = TransportSettings("sinkhorn", epsilon=0.1, tolerance=1e-6, max_iterations=5000)
    expected, _, _ = sinkhorn(problem, settings)
    for path in paths():
        plan, _, converged = compiled_sinkhorn.compiled_sinkhorn(problem, settings, path=path)
        assert converged.all(), path
        torch.testing.assert_close(plan, expected, atol=2e-5, rtol=0, msg=path)
        assert float(problem.marginal_error(plan).max()) < 4e-6, path


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("ties", [False, True])
def test_every_path_of_the_exact_solver_costs_what_pots_plan_costs(n, m, ties):
    cost, a, b = (x.double() for x in ragged(n, m, seed=1))
    if ties:
        cost = (cost * 4).round()
    b *= (a.sum(1) / b.sum(1))[:, None]
    arrays = [x.numpy() for x in (cost, a, b)]
    expected, _ = exact.network_simplex(*arrays, 10**6)
    same = exact.shortest_paths(*arrays, 10**6, path=paths()[0])[0]
    for path in exact.paths():
        plan, converged = exact.shortest_paths(*arrays, 10**6, path=path)
        assert converged.all(), path
        assert (plan >= 0).all(), path
        np.testing.assert_array_equal(plan, same, err_msg=path)
        np.testing.assert_allclose(plan.sum(2), arrays[1], atol=1e-11)
        np.testing.assert_allclose(plan.sum(1), arrays[2], atol=1e-11)
        np.testing.assert_allclose(
            (plan * arrays[0]).sum((1, 2)), (expected * arrays[0]).sum((1, 2)), atol=1e-10
        )


@pytest.mark.parametrize("path", ["avx512", "neon", "fastest"])
def test_a_path_that_the_processor_lacks_is_refused(monkeypatch, path):
    """Its instructions would end the process."""
    has = [found for found in paths() if found != path]
    monkeypatch.setattr(lanes, "paths", lambda: has)
    problem = validate(*ragged(3, 4), balanced=True)
    message = f"path '{path}': this processor has portable"
    with pytest.raises(InputError, match=message):
        compiled_sinkhorn.compiled_sinkhorn(
            problem,
            TransportSettings("sinkhorn", epsilon=0.1, tolerance=1e-6, max_iterations=9),
            path=path,
        )
    arrays = [x.double().numpy() for x in ragged(3, 4)]
    with pytest.raises(InputError, match=message):
        exact.shortest_paths(*arrays, 9, path=path)


def test_the_exact_solver_says_where_its_ways_were_not_enough():
    paths()
    cost, a, b = (x.double().numpy() for x in ragged(30, 40, seed=2))
    for solver in (exact.shortest_paths, exact.network_simplex):
        _, converged = solver(cost, a, b, 1)
        assert not converged.any()


def test_the_exact_solver_may_take_a_hundred_rounds_an_iteration(monkeypatch):
    solver, limits = exact.network_simplex, []

    def watched(cost, a, b, most):
        limits.append(most)
        return solver(cost, a, b, most)

    monkeypatch.setattr(exact, "library", lambda: None)
    monkeypatch.setattr(exact, "network_simplex", watched)
    solve(*ragged(3, 4), TransportSettings("exact", max_iterations=7))
    assert limits == [700]


def test_without_the_library_pot_solves_alike(monkeypatch):
    cost, a, b = ragged(9, 13, seed=3)
    a[1], b[1] = 0, 0
    found = solve(cost, a, b, TransportSettings("exact"))
    monkeypatch.setattr(exact, "library", lambda: None)
    expected = solve(cost, a, b, TransportSettings("exact"))
    torch.testing.assert_close(found.cost, expected.cost)
    assert expected.converged.tolist() == [True] * 6
