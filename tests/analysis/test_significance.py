"""Paired tests against scipy, and what is drawn against the seed that is promised."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from optical_core.analysis.gaps import gap_changes, language_gaps
from optical_core.analysis.measurements import Comparison
from optical_core.analysis.predictors import rank_correlation
from optical_core.analysis.resampling import bootstrap_intervals, sign_flip_p
from optical_core.analysis.significance import (
    bootstrap_interval,
    corrected_p,
    group_tests,
    paired_tests,
)
from tests.measured import measured

VALUES = np.random.default_rng(0).normal(0.1, 0.3, 30)


def test_a_comparison_is_that_of_scipy_and_of_the_formulas():
    system = [0.7, 0.5, 0.9, 0.4, 0.8]
    baseline = [0.5, 0.6, 0.5, 0.3, 0.5]
    difference = np.subtract(system, baseline)
    found = paired_tests({"so": difference})["so"]
    assert found.topics == 5
    assert found.mean == pytest.approx(0.18)
    assert (found.low, found.high) == pytest.approx(bootstrap_interval(difference, seed=0))
    assert found.p_t == pytest.approx(stats.ttest_rel(system, baseline).pvalue)
    assert found.p_wilcoxon == pytest.approx(stats.wilcoxon(difference).pvalue)
    assert found.effect == pytest.approx(0.18 / np.std(difference, ddof=1))
    assert found.p_corrected == found.p_randomisation


def test_differences_that_do_not_vary_have_no_effect_and_an_infinite_t():
    same_gain, one_topic = paired_tests({"gain": [0.25] * 6, "one": [0.25]}).values()
    assert (same_gain.p_t, same_gain.effect) == (0, 0)
    assert (one_topic.p_t, one_topic.effect, one_topic.p_randomisation) == (1, 0, 1)
    assert (one_topic.low, one_topic.mean, one_topic.high) == (0.25, 0.25, 0.25)


def test_two_topics_are_enough_for_a_t_test():
    found = paired_tests({"two": [0.5, 0.75]})["two"]
    assert found.p_t == pytest.approx(stats.ttest_1samp([0.5, 0.75], 0).pvalue)
    assert found.effect == pytest.approx(0.625 / np.std([0.5, 0.75], ddof=1))


def test_a_difference_is_significant_below_five_per_cent_after_correction():
    gain = [0.1 * i for i in range(1, 7)]  # All of one sign: p = 2 / 64 = 0.031.
    assert paired_tests({"a": gain})["a"].significant
    both = paired_tests({"a": gain, "b": gain})
    assert not any(found.significant for found in both.values())


def test_a_sample_without_topics_is_named():
    with pytest.raises(ValueError, match="so: there is no topic to compare"):
        paired_tests({"sw": [0.1], "so": []})


def test_corrections_are_those_of_the_textbook():
    values = [0.01, 0.04, 0.03]
    assert corrected_p(values) == pytest.approx([0.03, 0.06, 0.06])  # Holm: times 3, 2, 1
    assert corrected_p(values, "fdr_bh") == pytest.approx([0.03, 0.04, 0.04])  # 3/1, 3/3, 3/2
    assert corrected_p([]) == []
    with pytest.raises(ValueError, match="unknown correction 'none': use holm or fdr_bh"):
        corrected_p(values, "none")


def test_languages_without_topics_leave_a_group_without_a_comparison():
    for parallel in (True, False):
        groups = [{"so": pd.Series({"a": 0.1}), "yo": pd.Series(dtype=float)}]
        assert group_tests(groups, parallel=parallel) == [None]


def test_a_language_of_one_topic_adds_its_mean_and_no_variance():
    differences = {"so": pd.Series({"a": 0.3, "b": 0.1}), "yo": pd.Series({"a": 0.4})}
    (found,) = group_tests([differences], parallel=False)
    assert (found.topics, found.mean) == (3, pytest.approx(0.3))
    assert found.effect == pytest.approx(0.3 / np.sqrt(np.var([0.3, 0.1], ddof=1) / 2))
    assert found.low < 0.3 < found.high


def by_topic(values):
    return {str(i): float(v) for i, v in enumerate(values)}


LANGUAGES = {"en": by_topic(VALUES + 0.2), "so": by_topic(VALUES[::-1])}
MEASURED = measured({"base": dict.fromkeys(LANGUAGES, by_topic(np.zeros(30))), "m": LANGUAGES})
SAMPLE = {"so": pd.Series(by_topic(VALUES))}


@pytest.mark.slow
@pytest.mark.parametrize(
    "drawn",
    [
        lambda **seed: sign_flip_p([VALUES], **seed),
        lambda **seed: bootstrap_intervals([[(1.0, VALUES)]], **seed),
        lambda **seed: bootstrap_interval(VALUES, **seed),
        lambda **seed: paired_tests({"so": VALUES}, **seed)["so"].low,
        lambda **seed: paired_tests({"so": VALUES}, **seed)["so"].p_randomisation,
        lambda **seed: group_tests([SAMPLE], parallel=True, **seed)[0].low,
        lambda **seed: group_tests([SAMPLE], parallel=True, **seed)[0].p,
        lambda **seed: language_gaps(MEASURED, Comparison.of(MEASURED), **seed),
        lambda **seed: gap_changes(MEASURED, Comparison.of(MEASURED), **seed),
        lambda **seed: rank_correlation(VALUES, VALUES**2, **seed),
    ],
)
def test_without_a_seed_the_draw_is_that_of_seed_zero(drawn):
    assert drawn() == drawn(seed=0)
    assert drawn() != drawn(seed=1)
