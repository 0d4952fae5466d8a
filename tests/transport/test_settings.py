"""Whatever a solver is told: a finite plan, or a ValueError that names the option."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from optical_core.distill.config import DistillConfig
from optical_core.transport import METHODS, TransportSettings, solve
from optical_core.transport.convergence import convergence

COST = torch.rand(1, 6, 5, generator=torch.Generator().manual_seed(0)) * 2
A = torch.tensor([[0.0, 0.3, 0.2, 0.0, 0.5, 0.0]])
B = torch.tensor([[0.25, 0.25, 0.0, 0.25, 0.25]])


@pytest.mark.parametrize("value", [0, -1.0, math.nan, -math.inf, "x", None, True])
@pytest.mark.parametrize("name", ["epsilon", "tolerance", "mass_penalty"])
def test_options_that_are_no_positive_numbers_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        solve(COST, A, B, TransportSettings("unbalanced", **{name: value}))


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_options_are_finite_and_whole(method):
    for name, value in (("epsilon", math.inf), ("tolerance", math.inf), ("max_iterations", 2.5)):
        with pytest.raises(ValueError, match=f"{name} must be"):
            solve(COST, A, B, TransportSettings(method, **{name: value}))
    assert torch.isfinite(
        solve(COST, A, B, TransportSettings(method, max_iterations=10**30)).cost
    ).all()


@pytest.mark.parametrize("number", [10**30, Fraction(1, 3), np.float32(0.5)])
@pytest.mark.parametrize("name", ["epsilon", "tolerance", "mass_penalty"])
@pytest.mark.parametrize("method", METHODS)
def test_numbers_of_any_kind_are_taken_as_floats(method, name, number):
    exact = solve(COST, A, B, TransportSettings(method, **{name: float(number)}))
    assert torch.equal(
        solve(COST, A, B, TransportSettings(method, **{name: number})).plan, exact.plan
    )


def test_a_share_of_the_spread_becomes_units_of_cost():
    share = TransportSettings("sinkhorn", epsilon_share=0.1)
    assert share.for_spread(2.0) == TransportSettings("sinkhorn", epsilon=0.2)
    assert share.for_spread(0.0).epsilon == 1e-6
    assert TransportSettings(epsilon=0.3).for_spread(2.0).epsilon == 0.3
    training = DistillConfig(name="x", bitext=("demo",), solver="ipot", epsilon=0.3)
    assert training.transport == TransportSettings("ipot", epsilon_share=0.3)
    with pytest.raises(ValueError, match="epsilon_share must be"):
        TransportSettings(epsilon_share=math.nan)
    with pytest.raises(ValueError, match="epsilon_share must be set against costs"):
        solve(COST, A, B, share)


def test_an_infinite_penalty_means_balanced():
    free = solve(COST, A, B, TransportSettings("unbalanced", mass_penalty=math.inf))
    assert torch.equal(free.plan, solve(COST, A, B, TransportSettings("sinkhorn")).plan)
    assert float(free.cost) == pytest.approx(0.9090, abs=1e-4)
    with pytest.raises(ValueError, match="equal total mass"):
        solve(COST, A * 2, B, TransportSettings("unbalanced", mass_penalty=math.inf))


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("method", METHODS)
def test_the_unit_of_cost_decides_nothing(method, scale):
    def found(unit):
        extra = {"mass_penalty": 0.5 * unit} if method == "unbalanced" else {}
        return solve(COST * unit, A, B, TransportSettings(method, epsilon=0.1 * unit, **extra))

    plain, scaled = found(1.0), found(scale)
    torch.testing.assert_close(scaled.plan, plain.plan, atol=1e-6, rtol=1e-4)
    assert (scaled.iterations, scaled.converged) == (plain.iterations, plain.converged)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("epsilon", [1e-300, 1e-20, 1e20, 1e300])
@pytest.mark.parametrize("scale", [0.0, 1e-38, 1.0, 1e37])
def test_no_size_gives_nan(method, epsilon, scale):
    found = solve(COST * scale, A, B, TransportSettings(method, epsilon=epsilon, max_iterations=30))
    for value in (found.plan, found.cost, found.marginal_error):
        assert torch.isfinite(value).all()


@pytest.mark.parametrize("method", METHODS)
def test_padding_may_cost_anything(method):
    padded = COST.clone()
    padded[:, 0], padded[:, :, 2] = math.nan, math.inf
    torch.testing.assert_close(
        solve(padded, A, B, TransportSettings(method)).plan,
        solve(COST, A, B, TransportSettings(method)).plan,
    )
    padded[:, 1, 0] = math.nan
    with pytest.raises(ValueError, match="cost must be finite"):
        solve(padded, A, B, TransportSettings(method))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(0, 3, 2), (2, 0, 3), (2, 3, 0)])
def test_nothing_to_move_is_moved(method, shape):
    a, b = torch.zeros(shape[:2]), torch.zeros(shape[0], shape[2])
    found = solve(torch.zeros(shape), a, b, TransportSettings(method))
    assert found.plan.shape == shape
    assert found.converged.all()


def test_whole_numbers_are_masses_and_what_overflows_is_refused():
    ones = torch.ones(1, 2, dtype=torch.long)
    assert float(solve(torch.eye(2)[None], ones, ones, TransportSettings("exact")).cost) == 0
    with pytest.raises(ValueError, match="overflows"):
        solve(COST * 1e38, A * 1e10, B * 1e10, TransportSettings("sinkhorn"))


def test_every_caller_is_held_to_the_options():
    with pytest.raises(ValueError, match="epsilon must be"):
        convergence(COST, A, B, TransportSettings("sinkhorn", epsilon=math.nan))
    for name in ("epsilon", "mass_penalty", "temperature", "learning_rate"):
        for value in (math.nan, math.inf, -1):
            with pytest.raises(ValueError, match=name):
                DistillConfig(name="x", bitext=("demo",), **{name: value})
