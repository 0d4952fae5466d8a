"""Comparisons on the mean over a group of languages."""

import itertools

import numpy as np
import pandas as pd
import pytest

from optical_core.analysis.measurements import Comparison
from optical_core.analysis.significance import group_tests, paired_tests
from optical_core.analysis.tables import comparison_table, group_table
from tests.measured import measured


def named(values):
    return {f"q{i}": float(v) for i, v in enumerate(values)}


def group_test(differences, *, parallel):
    """Of one group alone."""
    samples = {code: pd.Series(found, dtype=float) for code, found in differences.items()}
    (found,) = group_tests([samples], parallel=parallel)
    return found


def exact_p(shares):
    """Two-sided p of all sign patterns, twice the smaller tail as scipy has it."""
    totals = np.array(
        [np.dot(signs, shares) for signs in itertools.product([1, -1], repeat=len(shares))]
    )
    tail = min((totals >= sum(shares) - 1e-12).mean(), (totals <= sum(shares) + 1e-12).mean())
    return min(1.0, 2 * tail)


def test_parallel_languages_are_averaged_topic_by_topic():
    differences = {"so": named([0.1, 0.3, 0.2, 0.5]), "yo": named([0.3, 0.1, 0.4, 0.1, 0.9])}
    found = group_test(differences, parallel=True)
    assert (found.languages, found.topics) == (("so", "yo"), 4)
    assert found.mean == pytest.approx(0.25)
    means = [0.2, 0.2, 0.3, 0.3]
    assert found.effect == pytest.approx(np.mean(means) / np.std(means, ddof=1))
    assert found.p == pytest.approx(2 / 2**4)


def test_topics_of_their_own_are_weighed_by_language():
    differences = {"so": named([0.3, 0.1, -0.1]), "yo": named([0.4, 0.2, 0.6, 0.1, 0.2, -0.3])}
    found = group_test(differences, parallel=False)
    assert found.topics == 9
    assert found.mean == pytest.approx((0.1 + 0.2) / 2)
    shares = np.array([0.3, 0.1, -0.1]) / 3, np.array([0.4, 0.2, 0.6, 0.1, 0.2, -0.3]) / 6
    assert found.p == pytest.approx(exact_p(np.concatenate(shares)))
    variances = [np.var(list(d.values()), ddof=1) for d in differences.values()]
    assert found.effect == pytest.approx(0.15 / np.sqrt(np.mean(variances)))


def test_the_stratified_interval_has_the_width_of_the_formula():
    generator = np.random.default_rng(0)
    strata = [generator.normal(0.1, 0.3, 400), generator.normal(0.0, 0.1, 100)]
    found = group_test({"so": named(strata[0]), "yo": named(strata[1])}, parallel=False)
    error = np.sqrt(sum(s.var() / len(s) for s in strata)) / 2
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_errors_that_languages_share_widen_the_interval_of_parallel_topics_alone():
    shared = np.random.default_rng(1).normal(0, 0.2, 200)
    differences = {code: named(shared) for code in ("so", "yo", "sw", "ha")}
    paired = group_test(differences, parallel=True)
    apart = group_test(differences, parallel=False)
    assert paired.high - paired.low == pytest.approx(2 * (apart.high - apart.low), rel=0.1)


@pytest.mark.parametrize("parallel", [True, False])
def test_under_no_difference_five_per_cent_are_below_five_per_cent(parallel):
    generator = np.random.default_rng(2)
    low = 0
    for _ in range(60):
        draws = {c: named(generator.normal(0, 0.1, n)) for c, n in (("so", 12), ("yo", 12))}
        low += group_test(draws, parallel=parallel).p < 0.05
    assert low <= 8


def test_a_group_without_topics_is_none_and_equal_systems_are_not_different():
    assert group_test({}, parallel=True) is None
    assert group_test({"so": {"a": 0.1}, "yo": {"b": 0.1}}, parallel=True) is None
    same = group_test({"so": named([0.0] * 9)}, parallel=False)
    assert (same.mean, same.low, same.high, same.p, same.effect) == (0, 0, 0, 1, 0)


@pytest.fixture
def results():
    generator = np.random.default_rng(3)
    base = {code: generator.uniform(0.2, 0.6, 50) for code in ("en", "de", "so", "yo")}
    noise = {code: generator.normal(0, 0.02, 50) for code in base}
    gain = {"en": 0, "de": 0, "so": 0.1, "yo": 0.2}
    return {
        "base": {code: named(v) for code, v in base.items()},
        "student": {code: named(v + noise[code] + gain[code]) for code, v in base.items()},
    }


@pytest.mark.parametrize("parallel", [True, False])
def test_the_group_table_tells_a_gain_of_one_group_alone(results, parallel):
    measurements = measured(results, parallel=parallel)
    table = group_table(measurements, Comparison.of(measurements)).set_index("group")
    low, high = table.loc["low-resource"], table.loc["high-resource"]
    assert low["difference"] == pytest.approx(0.15, abs=0.01)
    assert low["low"] < 0.15 < low["high"]
    assert low["p_holm"] == pytest.approx(2 * low["p_randomisation"])
    assert low["languages"] == "so, yo"
    assert high["low"] < 0 < high["high"]
    assert high["p_holm"] > 0.05
    assert low["topics"] == (50 if parallel else 100)


def test_groups_of_one_model_have_no_rows(results):
    measurements = measured({"base": results["base"]})
    assert group_table(measurements, Comparison.of(measurements)).empty


def test_benjamini_hochberg_is_milder_than_holm_and_names_its_column(results):
    measurements = measured(results)
    comparison = Comparison.of(measurements)
    holm = comparison_table(measurements, comparison)
    mild = comparison_table(measurements, comparison, correction="fdr_bh")
    assert (mild["p_fdr_bh"] <= holm["p_holm"]).all()
    assert "p_holm" not in mild
    ranked = np.sort(mild["p_randomisation"])
    assert mild["p_fdr_bh"].min() == pytest.approx((ranked * 4 / np.arange(1, 5)).min())
    with pytest.raises(ValueError, match="use holm or fdr_bh"):
        paired_tests({}, correction="bonferroni")


@pytest.mark.slow
def test_wilcoxon_sees_ranks_alone():
    # Five positive differences: 2 of the 2^5 sign patterns, however large the last one is.
    for last in (0.6, 60.0):
        found = paired_tests({"x": [0.1, 0.2, 0.3, 0.45, last]})["x"]
        assert found.p_wilcoxon == pytest.approx(2 / 32)
    assert paired_tests({"x": [0.0, 0.0]})["x"].p_wilcoxon == 1
