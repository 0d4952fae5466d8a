"""What a problem is checked for, and the quantities that are defined on it."""

import math

import pytest
import torch

from optical_core.transport.problem import (
    TransportProblem,
    entropic_objective,
    transport_cost,
    validate,
)


def problem(a, b, *, balanced=True, dtype=torch.float32):
    """One pair of these masses, at no cost."""
    a, b = torch.tensor([a], dtype=dtype), torch.tensor([b], dtype=dtype)
    return validate(torch.zeros(1, a.shape[1], b.shape[1]), a, b, balanced=balanced)


def test_the_widest_dtype_of_the_three_and_at_least_fp32_is_taken():
    half, single, double = torch.float16, torch.float32, torch.float64
    for given, taken in [
        ((half, half, half), single),
        ((double, single, half), double),
        ((half, double, half), double),
        ((half, half, double), double),
    ]:
        cost, a, b = torch.zeros(1, 2, 2), torch.full((1, 2), 0.5), torch.full((1, 2), 0.5)
        tensors = (x.to(dtype) for x, dtype in zip((cost, a, b), given, strict=True))
        found = validate(*tensors, balanced=True)
        assert {found.cost.dtype, found.a.dtype, found.b.dtype} == {taken}


def test_totals_within_a_thousandth_are_made_equal():
    for scale in (1e-3, 1.0, 1e3):
        found = problem([0.5 * scale, 0.5 * scale], [1.0009 * scale])
        assert found.a.sum().item() == pytest.approx(scale)
        assert found.b.sum().item() == pytest.approx(scale)
        with pytest.raises(ValueError, match="equal total mass"):
            problem([0.5 * scale, 0.5 * scale], [1.0012 * scale])
        with pytest.raises(ValueError, match="equal total mass"):
            problem([0.5 * scale, 0.5 * scale], [0.9988 * scale])


def test_a_coarse_dtype_may_be_off_by_its_own_rounding():
    # Steps of bf16 at 1 are 1/128; twice that is allowed.
    found = problem([1.0], [1 + 1 / 128], dtype=torch.bfloat16)
    assert found.b.item() == 1
    with pytest.raises(ValueError, match="equal total mass"):
        problem([1.0], [1 + 3 / 128], dtype=torch.bfloat16)
    with pytest.raises(ValueError, match="equal total mass"):
        problem([1.0], [1 + 1 / 128], dtype=torch.float32)


def test_the_pair_with_unequal_totals_is_named():
    a = torch.tensor([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]])
    b = torch.tensor([[1.0], [2.0], [1.5]])
    message = "equal total mass, pair 1 has 1 and 2; method='unbalanced' takes unequal masses"
    with pytest.raises(ValueError, match=message):
        validate(torch.zeros(3, 2, 1), a, b, balanced=True)
    assert torch.equal(validate(torch.zeros(3, 2, 1), a, b, balanced=False).b, b)


def test_pairs_without_mass_are_fine():
    found = problem([0.0, 0.0], [0.0])
    assert (found.a.sum(), found.b.sum()) == (0, 0)


def test_shapes_and_values_that_are_wrong_are_told():
    cost, a, b = torch.zeros(2, 3, 4), torch.full((2, 3), 1 / 3), torch.full((2, 4), 1 / 4)
    for arguments, message in [
        ((cost[0], a, b), r"cost must have shape \(B, n, m\), got \(3, 4\)$"),
        ((cost, b, b), r"a must have shape \(2, 3\), got \(2, 4\)$"),
        ((cost, a, a), r"b must have shape \(2, 4\), got \(2, 3\)$"),
        ((cost, a - 1, b), "a must not be negative, its smallest entry is -0.66"),
        ((cost + math.inf, a, b), "cost must be finite, but has NaN or infinite entries"),
    ]:
        with pytest.raises(ValueError, match=message):
            validate(*arguments, balanced=True)


def test_a_problem_holds_no_gradient():
    cost = torch.zeros(1, 1, 1, requires_grad=True)
    one = torch.ones(1, 1)
    assert not validate(cost, one, one, balanced=True).cost.requires_grad


PLAN = torch.tensor([[[0.5, 0.0], [0.0, 0.25]], [[0.0, 0.0], [0.0, 0.0]]])
COST = torch.tensor([[[0.25, 9.0], [9.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]])


def test_the_marginal_error_adds_up_what_rows_and_columns_miss():
    a, b = torch.tensor([[0.5, 0.5], [0.0, 0.0]]), torch.tensor([[0.625, 0.375], [0.0, 0.0]])
    found = TransportProblem(COST, a, b)
    # Rows: 0 and 0.25. Columns: 0.125 and 0.125.
    assert found.marginal_error(PLAN).tolist() == [0.5, 0]
    assert found.total.tolist() == [1, 0]


def test_the_entropic_objective_is_cost_minus_entropy_minus_mass():
    assert transport_cost(PLAN, COST).tolist() == [0.375, 0]
    logs = 0.5 * (math.log(0.5) - 1) + 0.25 * (math.log(0.25) - 1)
    assert entropic_objective(PLAN, COST, 0.1).tolist() == pytest.approx([0.375 + 0.1 * logs, 0])
