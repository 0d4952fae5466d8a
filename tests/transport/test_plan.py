import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from optical_core.transport import TransportPlan, cosine_cost, mask_augmented, real_tokens
from optical_core.transport.marginals import check_marginals, mass_by_kind


@pytest.fixture
def plan():
    mass = np.array([[0.2, 0.0, 0.0], [0.1, 0.2, 0.0], [0.0, 0.0, 0.5]])
    cost = np.array([[0.1, 1.0, 1.0], [0.4, 0.2, 1.0], [1.0, 1.0, 0.3]])
    return TransportPlan(
        mass, cost, ("ma", "ji", "moto"), ("hot", "wat", "er"), (0, 0, 1), (0, 1, 1)
    )


def test_total_cost_and_entropy(plan):
    assert plan.total_cost == pytest.approx(0.2 * 0.1 + 0.1 * 0.4 + 0.2 * 0.2 + 0.5 * 0.3)
    assert plan.entropy == pytest.approx(
        -(2 * 0.2 * np.log(0.2) + 0.1 * np.log(0.1) + 0.5 * np.log(0.5))
    )


def test_words_keep_mass_and_total_cost(plan):
    words = plan.words()
    assert words.source == ("maji", "moto")
    assert words.target == ("hot", "water")
    np.testing.assert_allclose(words.plan, [[0.3, 0.2], [0.0, 0.5]])
    assert words.total_cost == pytest.approx(plan.total_cost)


def test_the_cost_between_words_is_averaged_by_mass_and_plainly_where_there_is_none(plan):
    np.testing.assert_allclose(
        plan.words().cost,
        [
            [
                (0.2 * 0.1 + 0.1 * 0.4) / 0.3,
                0.2,
            ],  # maji-hot; maji-water has 0.2 of mass in one cell
            [1.0, 0.3],  # moto-hot: no mass, one cell
        ],
    )
    nothing = TransportPlan(
        np.zeros((2, 3)), plan.cost[:2], ("ma", "ji"), plan.target, (0, 0), (0, 1, 1)
    )
    np.testing.assert_allclose(
        nothing.words().cost, [[(0.1 + 0.4) / 2, (1.0 + 1.0 + 0.2 + 1.0) / 4]]
    )


def test_words_keep_the_solvers_report():
    one = np.ones((1, 1))
    report = {"method": "exact"}
    words = TransportPlan(one, one, ("a",), ("b",), (0,), (0,), report).words()
    assert words.report == report
    assert words.report is not report


def test_tokens_outside_words_are_left_out_of_the_word_plan():
    mass = np.full((2, 2), 0.25)
    plan = TransportPlan(mass, mass, ("[MASK]", "maji"), ("water", "</s>"), (-1, 0), (0, -1))
    words = plan.words()
    assert (words.source, words.target) == (("maji",), ("water",))
    np.testing.assert_allclose(words.plan, [[0.25]])


def test_words_keep_their_numbers_where_one_has_no_token():
    mass = np.full((2, 1), 0.5)
    plan = TransportPlan(mass, mass, ("maji", "moto"), ("water",), (0, 2), (1,))
    words = plan.words()
    assert (words.source_words, words.target_words) == ((0, 2), (1,))
    assert words.words().source_words == (0, 2)


def test_row_normalised_rows_sum_to_one_and_empty_rows_stay_empty():
    mass = np.array([[0.1, 0.3], [0.0, 0.0], [0.5, 0.5]])
    plan = TransportPlan(mass, mass, ("a", "b", "e"), ("c", "d"), (0, 1, 2), (0, 1))
    np.testing.assert_allclose(plan.row_normalised(), [[0.25, 0.75], [0, 0], [0.5, 0.5]])


def test_exported_numbers_have_the_digits_of_fp32():
    mass = np.float32([[0.025, 1 / 3]]).astype(float)
    plan = TransportPlan(mass, 1 - mass, ("a",), ("b", "c"), (0,), (0, 1))
    written = plan.to_dict()
    assert written["plan"] == [[0.025, 0.33333334]]
    np.testing.assert_array_equal(np.float32(written["cost"]), np.float32(plan.cost))


def test_export_is_json(plan):
    again = json.loads(json.dumps(replace(plan, report={"method": "exact"}).to_dict()))
    assert again == {
        "source": ["ma", "ji", "moto"],
        "target": ["hot", "wat", "er"],
        "source_words": [0, 0, 1],
        "target_words": [0, 1, 1],
        "plan": plan.plan.tolist(),
        "cost": plan.cost.tolist(),
        "total_cost": pytest.approx(plan.total_cost, rel=1e-6),
        "entropy": pytest.approx(plan.entropy, rel=1e-6),
        "report": {"method": "exact"},
    }


def test_shapes_that_do_not_fit_the_tokens_are_refused():
    with pytest.raises(ValueError, match="plan and cost must have shape"):
        TransportPlan(np.zeros((2, 2)), np.zeros((2, 2)), ("a",), ("b", "c"), (0,), (0, 1))
    with pytest.raises(ValueError, match=r"shape \(1, 2\) .* got \(1, 2\) and \(2, 1\)"):
        TransportPlan(np.zeros((1, 2)), np.zeros((2, 1)), ("a",), ("b", "c"), (0,), (0, 1))
    for words in (((0, 1), (0, 1)), ((0,), (0,))):
        with pytest.raises(ValueError, match="must have one entry a token"):
            TransportPlan(np.zeros((1, 2)), np.zeros((1, 2)), ("a",), ("b", "c"), *words)


def test_cosine_cost_is_zero_for_parallel_and_two_for_opposite_vectors():
    source = torch.tensor([[[2.0, 0.0], [0.0, 1.0]]])
    target = torch.tensor([[[1.0, 0.0], [-3.0, 0.0]]])
    torch.testing.assert_close(
        cosine_cost(source, target), torch.tensor([[[0.0, 2.0], [1.0, 1.0]]])
    )


def test_half_precision_vectors_have_a_cost_in_fp32():
    source = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(0))
    half = cosine_cost(source.half(), source.half())
    assert half.dtype == torch.float32
    assert cosine_cost(source.double(), source.half()).dtype == torch.float64
    torch.testing.assert_close(half, cosine_cost(source, source), atol=2e-3, rtol=0)


def test_marginals_that_do_not_exist_are_refused():
    check_marginals("real-tokens")
    check_marginals("mask-augmented")
    message = "one of real-tokens, mask-augmented, got 'uniform'"
    with pytest.raises(ValueError, match=message):
        check_marginals("uniform")


def test_real_tokens_spread_mass_evenly_and_leave_empty_rows_empty():
    mask = torch.tensor([[1, 1, 0, 1], [0, 0, 0, 0]])
    torch.testing.assert_close(
        real_tokens(mask), torch.tensor([[1 / 3, 1 / 3, 0, 1 / 3], [0, 0, 0, 0]])
    )


def test_mask_augmented_mass_is_split_by_kind():
    real = torch.tensor([[1, 1, 0, 0]])
    expansion = 1 - real
    mass = mask_augmented(real, expansion)
    torch.testing.assert_close(mass, torch.full((1, 4), 0.25))
    shares = mass_by_kind(torch.outer(mass[0], mass[0])[None], expansion, expansion)
    assert shares["mask_mask"].item() == pytest.approx(0.25)
    assert shares["mask_real"].item() == pytest.approx(0.5)
    assert shares["real_real"].item() == pytest.approx(0.25)


def test_shares_are_of_the_mass_that_is_there_and_zero_without_any():
    plan = torch.tensor([[[0.5, 1.0], [1.5, 2.0]], [[0.0, 0.0], [0.0, 0.0]]])
    source = torch.tensor([[True, False], [True, False]])
    target = torch.tensor([[False, True], [False, True]])
    shares = mass_by_kind(plan, source, target)
    assert shares["mask_mask"].tolist() == pytest.approx([1 / 5, 0])
    assert shares["real_real"].tolist() == pytest.approx([1.5 / 5, 0])
    assert shares["mask_real"].tolist() == pytest.approx([2.5 / 5, 0])
