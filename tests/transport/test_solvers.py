"""Solvers against closed forms, laws and POT; one checker for all of them."""

import itertools

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from optical_core.transport import METHODS, TransportSettings, compiled_sinkhorn, solve
from optical_core.transport.problem import entropic_objective, transport_cost

BALANCED = [method for method in METHODS if method != "unbalanced"]


@pytest.fixture(autouse=True, params=["compiled", "batched"])
def path(request, monkeypatch):
    """Sinkhorn has two paths: both are held to every law below."""
    if request.param == "batched":
        monkeypatch.setattr(compiled_sinkhorn, "applies", lambda problem: False)
    elif compiled_sinkhorn.library() is None:
        pytest.skip('the compiled path needs pip install ".[fast]" and a C compiler')
    return request.param


def draw(seed, pairs=3, n=6, m=9, scale=1.0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    cost = torch.rand(pairs, n, m, generator=generator, dtype=torch.float64) * scale
    a = torch.rand(pairs, n, generator=generator, dtype=torch.float64) + 0.1
    b = torch.rand(pairs, m, generator=generator, dtype=torch.float64) + 0.1
    a, b = a / a.sum(-1, keepdim=True), b / b.sum(-1, keepdim=True)
    return cost.to(dtype), a.to(dtype), b.to(dtype)


def check(solution, a, b, tolerance=1e-3):
    assert torch.isfinite(solution.plan).all()
    assert (solution.plan >= 0).all()
    assert solution.converged.all()
    assert (solution.marginal_error <= tolerance).all()
    torch.testing.assert_close(solution.plan.sum(-1), a, atol=tolerance, rtol=0)
    torch.testing.assert_close(solution.plan.sum(-2), b, atol=tolerance, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("method", BALANCED)
def test_one_source_token_sends_its_mass_where_the_target_wants_it(method):
    cost, a, b = draw(0, n=1, m=7)
    solution = solve(cost, a, b, TransportSettings(method))
    check(solution, a, b)
    torch.testing.assert_close(solution.plan[:, 0], b)
    torch.testing.assert_close(solution.cost, (cost[:, 0] * b).sum(-1))


@pytest.mark.parametrize("method", BALANCED)
def test_equal_points_are_not_moved(method):
    points = torch.arange(5.0)
    cost = (points[:, None] - points[None, :]).abs()[None]
    mass = torch.tensor([[0.1, 0.2, 0.3, 0.15, 0.25]])
    solution = solve(cost, mass, mass, TransportSettings(method, epsilon=0.02, max_iterations=5000))
    check(solution, mass, mass)
    torch.testing.assert_close(solution.plan[0], torch.diag(mass[0]), atol=1e-3, rtol=0)


@pytest.mark.parametrize("method", BALANCED)
@pytest.mark.parametrize("seed", range(3))
def test_a_permuted_identity_is_found(method, seed):
    order = torch.randperm(8, generator=torch.Generator().manual_seed(seed))
    cost = 1 - torch.eye(8)[order][None]
    mass = torch.full((1, 8), 1 / 8)
    solution = solve(cost, mass, mass, TransportSettings(method, epsilon=0.05, max_iterations=5000))
    check(solution, mass, mass)
    torch.testing.assert_close(solution.plan[0], torch.eye(8)[order] / 8, atol=1e-3, rtol=0)


@pytest.mark.parametrize("method", METHODS)
def test_swapping_the_sides_transposes_the_plan(method):
    cost, a, b = draw(1)
    settings = TransportSettings(method, epsilon=0.1, tolerance=1e-6, max_iterations=5000)
    there = solve(cost, a, b, settings).plan
    back = solve(cost.transpose(1, 2), b, a, settings).plan
    torch.testing.assert_close(there, back.transpose(1, 2), atol=2e-4, rtol=0)


@pytest.mark.parametrize("method", BALANCED)
def test_scaling_cost_and_epsilon_together_keeps_the_plan(method):
    cost, a, b = draw(2)
    plain = solve(cost, a, b, TransportSettings(method, epsilon=0.1))
    scaled = solve(cost * 8, a, b, TransportSettings(method, epsilon=0.8))
    torch.testing.assert_close(plain.plan, scaled.plan, atol=2e-4, rtol=0)
    torch.testing.assert_close(plain.cost * 8, scaled.cost, atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("method", BALANCED)
def test_scaling_the_mass_scales_the_plan(method):
    cost, a, b = draw(3)
    plain, scaled = (solve(cost, a * s, b * s, TransportSettings(method)) for s in (1, 50))
    torch.testing.assert_close(plain.plan * 50, scaled.plan, atol=2e-2, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_padding_changes_nothing_whatever_its_cost(method):
    cost, a, b = draw(4)
    padded = torch.full((3, 8, 12), -1e3)
    padded[:, :6, :9] = cost
    settings = TransportSettings(method, epsilon=0.1)
    plain = solve(cost, a, b, settings)
    wide = solve(
        padded,
        torch.nn.functional.pad(a, (0, 2)),
        torch.nn.functional.pad(b, (0, 3)),
        settings,
    )
    torch.testing.assert_close(wide.plan[:, :6, :9], plain.plan, atol=2e-4, rtol=0)
    assert wide.plan[:, 6:].abs().sum() == 0
    assert wide.plan[:, :, 9:].abs().sum() == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_pair_without_tokens_gets_an_empty_plan_and_disturbs_no_other(method):
    cost, a, b = draw(5)
    alone = solve(cost[::2], a[::2], b[::2], TransportSettings(method))
    a[1], b[1] = 0, 0
    solution = solve(cost, a, b, TransportSettings(method))
    assert solution.plan[1].abs().sum() == 0
    assert solution.converged[1]
    assert solution.marginal_error[1] == 0
    torch.testing.assert_close(solution.plan[::2], alone.plan, atol=2e-4, rtol=0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("epsilon", "scale"),
    list(itertools.product([1, 0.1, 1e-2, 1e-3, 1e-4], [0, 1e-3, 1, 30, 1e3])),
)
def test_no_epsilon_and_no_cost_gives_nan_in_fp32(method, epsilon, scale):
    cost, a, b = draw(6, scale=scale)
    solution = solve(cost, a, b, TransportSettings(method, epsilon=epsilon, max_iterations=200))
    for value in (solution.plan, solution.cost, solution.marginal_error):
        assert torch.isfinite(value).all()
    assert (solution.plan >= 0).all()
    if method == "exact":
        check(solution, a, b)
    if method in ("sinkhorn", "ipot"):
        # Not converged is allowed here, but then it must be said, and no mass may appear.
        assert (solution.marginal_error[solution.converged] <= 2e-4).all()
        assert (solution.plan.sum((1, 2)) < 1.01).all()


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 14), m=st.integers(1, 14), seed=st.integers(0, 10_000))
def test_exact_equals_pot(n, m, seed):
    cost, a, b = draw(seed, pairs=2, n=n, m=m, dtype=torch.float64)
    solution = solve(cost, a, b, TransportSettings("exact"))
    check(solution, a, b, tolerance=1e-9)
    for pair in range(2):
        expected = ot.emd2(a[pair].numpy(), b[pair].numpy(), cost[pair].numpy())
        assert solution.cost[pair].item() == pytest.approx(expected, abs=1e-9)


def test_exact_takes_the_assignment_where_masses_are_equal():
    cost, _, _ = draw(7, n=9, m=9, dtype=torch.float64)
    mass = torch.full((3, 9), 1 / 9, dtype=torch.float64)
    solution = solve(cost, mass, mass, TransportSettings("exact"))
    for pair in range(3):
        expected = ot.emd2(mass[pair].numpy(), mass[pair].numpy(), cost[pair].numpy())
        assert solution.cost[pair].item() == pytest.approx(expected, abs=1e-9)
    assert ((solution.plan > 0).sum((1, 2)) == 9).all()


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 12),
    m=st.integers(1, 12),
    seed=st.integers(0, 10_000),
    epsilon=st.sampled_from([0.5, 0.1, 0.03]),
)
def test_sinkhorn_equals_pot(n, m, seed, epsilon):
    cost, a, b = draw(seed, pairs=2, n=n, m=m, dtype=torch.float64)
    solution = solve(
        cost,
        a,
        b,
        TransportSettings("sinkhorn", epsilon=epsilon, tolerance=1e-9, max_iterations=50_000),
    )
    assert solution.converged.all()
    for pair in range(2):
        expected = ot.sinkhorn(
            a[pair].numpy(),
            b[pair].numpy(),
            cost[pair].numpy(),
            epsilon,
            method="sinkhorn_log",
            numItermax=50_000,
            stopThr=1e-12,
        )
        np.testing.assert_allclose(solution.plan[pair].numpy(), expected, atol=1e-7)


def test_sinkhorn_equals_pots_batch_solver():
    cost, a, b = draw(8, pairs=5, dtype=torch.float64)
    expected = ot.solve_batch(cost, 0.1, a, b, max_iter=10_000, tol=1e-10, grad="detach")
    solution = solve(
        cost,
        a,
        b,
        TransportSettings("sinkhorn", epsilon=0.1, tolerance=1e-9, max_iterations=10_000),
    )
    reference = expected.plan
    if not torch.allclose(reference.sum(-1), a, atol=1e-6):
        pytest.skip("this POT's batch solver misses the marginals itself (POT issue 842)")
    torch.testing.assert_close(solution.plan, reference, atol=1e-6, rtol=0)


@pytest.mark.parametrize("mass_penalty", [0.05, 0.5, 5.0])
def test_unbalanced_equals_pot(mass_penalty):
    cost, a, b = draw(9, dtype=torch.float64)
    solution = solve(
        cost,
        a,
        b * 1.5,
        TransportSettings(
            "unbalanced",
            epsilon=0.1,
            tolerance=1e-10,
            max_iterations=50_000,
            mass_penalty=mass_penalty,
        ),
    )
    assert solution.converged.all()
    for pair in range(3):
        expected = ot.unbalanced.sinkhorn_unbalanced(
            a[pair].numpy(),
            1.5 * b[pair].numpy(),
            cost[pair].numpy(),
            reg=0.1,
            reg_m=mass_penalty,
            reg_type="kl",
            numItermax=50_000,
            stopThr=1e-12,
        )
        np.testing.assert_allclose(solution.plan[pair].numpy(), expected, atol=1e-6)


def test_a_large_penalty_makes_unbalanced_balanced():
    cost, a, b = draw(10)
    free = solve(
        cost, a, b, TransportSettings("unbalanced", epsilon=0.1, mass_penalty=1e3, tolerance=1e-7)
    )
    tied = solve(cost, a, b, TransportSettings("sinkhorn", epsilon=0.1))
    torch.testing.assert_close(free.plan, tied.plan, atol=1e-3, rtol=0)


def test_a_token_without_counterpart_is_left_behind_by_unbalanced():
    cost = torch.tensor([[[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]])
    a, b = torch.full((1, 3), 1 / 3), torch.full((1, 2), 1 / 2)
    plan = solve(cost, a, b, TransportSettings("unbalanced", epsilon=0.02, mass_penalty=0.3)).plan
    assert plan[0, 2].sum() < 0.05
    assert plan[0, 0, 0] > 0.3


def test_ipot_goes_to_the_exact_cost_and_sinkhorn_stays_above_it():
    cost, a, b = draw(11, dtype=torch.float64)
    best = solve(cost, a, b, TransportSettings("exact")).cost
    # A tight tolerance, since convergence is judged between two looks.
    proximal = solve(
        cost, a, b, TransportSettings("ipot", epsilon=0.05, tolerance=1e-7, max_iterations=5000)
    )
    blurred = solve(
        cost, a, b, TransportSettings("sinkhorn", epsilon=0.1, tolerance=1e-7, max_iterations=5000)
    )
    torch.testing.assert_close(proximal.cost, best, rtol=1e-3, atol=1e-5)
    assert (blurred.cost > best * 1.05).all()


@pytest.mark.parametrize("method", ["exact", "sinkhorn"])
def test_the_gradient_is_the_plan_and_agrees_with_finite_differences(method):
    cost, a, b = draw(12, pairs=1, n=4, m=5, dtype=torch.float64)
    epsilon, step = 0.1, 1e-5

    def objective(c):
        solution = solve(
            c,
            a,
            b,
            TransportSettings(method, epsilon=epsilon, tolerance=1e-12, max_iterations=100_000),
        )
        if method == "exact":
            return solution.cost
        return entropic_objective(solution.plan, c, epsilon)

    leaf = cost.clone().requires_grad_()
    plan = solve(
        leaf,
        a,
        b,
        TransportSettings(method, epsilon=epsilon, tolerance=1e-12, max_iterations=100_000),
    ).plan
    transport_cost(plan, leaf).sum().backward()
    assert torch.equal(leaf.grad, plan)
    for i, j in itertools.product(range(4), range(5)):
        nudge = torch.zeros_like(cost)
        nudge[0, i, j] = step
        slope = (objective(cost + nudge) - objective(cost - nudge)) / (2 * step)
        assert slope.item() == pytest.approx(leaf.grad[0, i, j].item(), abs=1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("method", METHODS)
def test_any_float_dtype_goes_in_and_fp32_or_better_comes_out(method, dtype):
    cost, a, b = draw(13, dtype=dtype)
    solution = solve(cost, a, b, TransportSettings(method, epsilon=0.1))
    assert solution.plan.dtype == torch.promote_types(dtype, torch.float32)
    assert solution.converged.all()


def nan(tensor):
    tensor = tensor.clone()
    tensor.view(-1)[0] = torch.nan
    return tensor


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c, a, b: (c[0], a, b), "cost must have shape"),
        (lambda c, a, b: (c, a[:, :-1], b), "a must have shape"),
        (lambda c, a, b: (c, a, b[:1]), "b must have shape"),
        (lambda c, a, b: (nan(c), a, b), "cost must be finite"),
        (lambda c, a, b: (c, nan(a), b), "a must be finite"),
        (lambda c, a, b: (c, a, nan(b)), "b must be finite"),
        (lambda c, a, b: (c, -a, b), "a must not be negative"),
        (lambda c, a, b: (c, a, b - 1), "b must not be negative"),
        (lambda c, a, b: (c, a * 2, b), "a and b must have equal total mass"),
    ],
)
def test_bad_arguments_are_named_in_one_sentence(change, message):
    with pytest.raises(ValueError, match=message) as caught:
        solve(*change(*draw(14)), TransportSettings("sinkhorn"))
    assert "\n" not in str(caught.value)


def test_bad_options_are_named():
    arguments = draw(15)
    wrong = {"method": "magic", "epsilon": 0, "tolerance": 0, "max_iterations": 0}
    for option, value in wrong.items():
        with pytest.raises(ValueError, match=option):
            solve(*arguments, TransportSettings(**{option: value}))


@pytest.mark.parametrize("method", [method for method in METHODS if method != "exact"])
def test_a_pair_that_is_cut_off_says_so_and_has_used_all_iterations(method):
    cost, a, b = draw(16)
    a[1], b[1] = 0, 0
    found = solve(
        cost, a, b, TransportSettings(method, epsilon=0.2, tolerance=1e-12, max_iterations=17)
    )
    assert found.converged.tolist() == [False, True, False]
    assert found.iterations.tolist() == [17, 0, 17]
    assert (found.iterations.dtype, found.converged.dtype) == (torch.int64, torch.bool)
    assert found.plan[0].sum() > 0.5


@pytest.mark.parametrize("method", METHODS)
def test_a_pairs_plan_does_not_depend_on_its_neighbours(method):
    cost, a, b = draw(17, pairs=2)
    cost[1] *= 0.01  # Converges at once, and must then stay as it is.
    settings = TransportSettings(method, epsilon=0.1)
    together = solve(cost, a, b, settings)
    for pair in range(2):
        alone = solve(cost[pair, None], a[pair, None], b[pair, None], settings)
        torch.testing.assert_close(together.plan[pair], alone.plan[0], atol=1e-5, rtol=0)
        assert together.converged[pair]
        assert abs(together.iterations[pair] - alone.iterations[0]) <= 20


@pytest.mark.parametrize("method", ["ipot", "unbalanced"])
def test_a_pair_takes_as_many_iterations_as_alone_however_large_its_neighbours_costs(method):
    cost, a, b = draw(17, pairs=3)
    cost *= torch.tensor([1, 0.01, 100])[:, None, None]
    settings = TransportSettings(method, epsilon=0.1)
    together = solve(cost, a, b, settings)
    for pair in range(3):
        alone = solve(cost[pair, None], a[pair, None], b[pair, None], settings)
        assert together.iterations[pair] == alone.iterations[0]
        assert together.converged[pair] == alone.converged[0]
    assert together.iterations[1] < together.iterations[0]


def test_ipot_takes_the_steps_of_the_papers_algorithm():
    cost, a, b = draw(18, pairs=1, dtype=torch.float64)
    plan, scaling = torch.ones(6, 9, dtype=torch.float64), torch.ones(9, dtype=torch.float64)
    for _ in range(7):
        kernel = (-cost[0] / 0.5).exp() * plan
        rows = a[0] / (kernel @ scaling)
        scaling = b[0] / (kernel.T @ rows)
        plan = rows[:, None] * kernel * scaling
    found = solve(cost, a, b, TransportSettings("ipot", epsilon=0.5, max_iterations=7))
    torch.testing.assert_close(found.plan[0], plan)


def test_padding_slows_no_pair_down(path):
    cost, a, b = draw(11, n=13, m=21)
    settings = TransportSettings("sinkhorn", epsilon=0.05, tolerance=1e-6, max_iterations=2000)
    plain = solve(cost, a, b, settings)
    wide = solve(
        torch.nn.functional.pad(cost, (3, 5, 2, 4), value=-1e3),
        torch.nn.functional.pad(a, (2, 4)),
        torch.nn.functional.pad(b, (3, 5)),
        settings,
    )
    assert wide.converged.all()
    assert (wide.iterations <= plain.iterations + 10).all()


def test_costs_whose_sum_alone_is_infinite_are_solved():
    cost = torch.full((1, 2, 2), 3e38)
    half = torch.full((1, 2), 0.5)
    assert solve(cost, half, half, TransportSettings("exact")).converged.all()
    cost[0, 0, 0] = torch.inf
    with pytest.raises(ValueError, match="cost must be finite"):
        solve(cost, half, half, TransportSettings("sinkhorn"))
