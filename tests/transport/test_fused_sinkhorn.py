"""The GPU kernel in Triton's interpreter, against the batched path; on a GPU where there is one."""

from dataclasses import replace

import pytest
import torch

from optical_core.transport import TransportSettings, solve
from optical_core.transport import fused_sinkhorn as module
from optical_core.transport.fused_sinkhorn import fused_sinkhorn
from optical_core.transport.problem import validate
from optical_core.transport.sinkhorn import sinkhorn

pytest.importorskip("triton", reason='needs pip install ".[triton]"')


interpreted = pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")


def problem(*, seed=0, pairs=3, n=5, m=9, device="cpu"):
    """Ragged pairs, the last one without any token."""
    generator = torch.Generator().manual_seed(seed)
    cost = torch.rand(pairs, n, m, generator=generator)
    a, b = torch.rand(pairs, n, generator=generator), torch.rand(pairs, m, generator=generator)
    a[0, (n + 1) // 2 :], b[0, :2] = 0, 0
    a[-1], b[-1] = 0, 0
    cost[0, :, :2] = -1e3  # padding, whose cost is never looked at
    a, b = (mass / mass.sum(1, keepdim=True).clamp_min(1e-9) for mass in (a, b))
    return validate(cost.to(device), a.to(device), b.to(device), balanced=True)


@pytest.mark.slow
@interpreted
@pytest.mark.parametrize(("n", "m"), [(5, 9), (1, 4), (8, 8), (3, 1)])
@pytest.mark.parametrize(("epsilon", "tolerance"), [(0.1, 1e-4), (0.03, 1e-5)])
def test_the_kernel_finds_the_batched_paths_plan(n, m, epsilon, tolerance):
    found = problem(n=n, m=max(m, 3))
    settings = TransportSettings(
        "sinkhorn", epsilon=epsilon, tolerance=tolerance, max_iterations=500
    )
    plan, iterations, converged = fused_sinkhorn(found, settings)
    expected, *_ = sinkhorn(found, replace(settings, tolerance=1e-6))
    assert converged.all()
    torch.testing.assert_close(plan, expected, atol=20 * tolerance, rtol=0)
    assert (found.marginal_error(plan) <= tolerance + 1e-6).all()
    assert iterations[-1] == 0
    assert (iterations[:-1] > 0).all()
    assert plan[-1].abs().sum() == 0


@interpreted
def test_a_pair_that_is_cut_off_says_so():
    found = problem()
    plan, iterations, converged = fused_sinkhorn(
        found, TransportSettings("sinkhorn", epsilon=0.01, tolerance=1e-6, max_iterations=3)
    )
    assert converged.tolist() == [False, False, True]
    assert iterations.tolist() == [3, 3, 0]
    assert torch.isfinite(plan).all()


@interpreted
def test_the_tolerance_is_a_share_of_the_mass():
    one = problem()
    many = validate(one.cost, one.a * 50, one.b * 50, balanced=True)
    settings = TransportSettings("sinkhorn", epsilon=0.1, tolerance=1e-3, max_iterations=500)
    plan, _, converged = fused_sinkhorn(many, settings)
    assert converged.all()
    assert (many.marginal_error(plan) <= 50 * 1.1e-3).all()
    few, _, _ = fused_sinkhorn(one, settings)
    torch.testing.assert_close(plan / 50, few, atol=1e-4, rtol=0)


@interpreted
def test_an_empty_batch_is_no_problem():
    found = problem()
    nothing = validate(found.cost[:0], found.a[:0], found.b[:0], balanced=True)
    plan, *_ = fused_sinkhorn(
        nothing, TransportSettings("sinkhorn", epsilon=0.1, tolerance=1e-4, max_iterations=10)
    )
    assert plan.shape == (0, 5, 9)


def test_it_is_for_gpus_alone():
    assert not module.applies(problem())


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
def test_on_a_gpu_it_is_taken_and_agrees_with_the_cpu():
    here, there = problem(n=24, m=40), problem(n=24, m=40, device="cuda")
    assert module.applies(there)
    expected = solve(here.cost, here.a, here.b, TransportSettings("sinkhorn", tolerance=1e-6))
    found = solve(there.cost, there.a, there.b, TransportSettings("sinkhorn", tolerance=1e-6))
    torch.testing.assert_close(found.plan.cpu(), expected.plan, atol=1e-5, rtol=0)
