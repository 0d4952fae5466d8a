import numpy as np
import pytest
from scipy import stats

from optical_core.analysis.measurements import Comparison
from optical_core.analysis.power import Power, paired_power
from optical_core.analysis.tables import power_table
from tests.measured import measured


def rejections(mean, deviation, topics, simulations=4000):
    """Share of simulated experiments in which a paired t test sees the mean at alpha .05."""
    draws = np.random.default_rng(0).normal(mean, deviation, (simulations, topics))
    return float((stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05).mean())


def with_deviation(deviation, topics):
    values = np.random.default_rng(1).standard_normal(topics)
    return values / values.std(ddof=1) * deviation


def test_the_topics_needed_give_the_power_asked_for_in_a_simulation():
    found = paired_power(with_deviation(0.06, 40), difference=0.01)
    assert rejections(0.01, 0.06, found.needed) == pytest.approx(0.8, abs=0.02)


def test_the_detectable_difference_is_seen_with_that_power_in_a_simulation():
    found = paired_power(with_deviation(0.2, 30))
    assert rejections(found.detectable, 0.2, 30) == pytest.approx(0.8, abs=0.02)


def test_topics_needed_for_the_detectable_difference_are_those_there():
    sample = with_deviation(0.1, 57)
    again = paired_power(sample, difference=paired_power(sample).detectable * (1 + 1e-9))
    assert again.needed == 57
    assert again.deviation == pytest.approx(0.1)


def test_an_effect_of_half_a_deviation_needs_the_34_topics_of_the_tables():
    """Cohen 1988: d = .5, two-sided alpha .05, power .8; and .9, and alpha .01."""
    sample = with_deviation(1.0, 20)
    assert paired_power(sample, difference=0.5).needed == 34
    assert paired_power(sample, difference=0.5, power=0.9).needed == 44
    assert paired_power(sample, difference=0.5, alpha=0.01).needed == 51
    assert paired_power(sample).needed == paired_power(sample, difference=0.01).needed


def test_two_topics_that_differ_are_enough_to_plan_by():
    found = paired_power([0.1, 0.3])
    assert found.deviation == pytest.approx(0.2 / 2**0.5)
    assert found.needed > 2


def test_a_difference_far_beyond_the_noise_needs_the_two_topics_of_a_t_test():
    assert paired_power([0.5, 0.5 + 1e-9, 0.5], difference=0.1).needed == 2


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ([], Power(0, None, None, None)),
        ([0.3], Power(1, None, None, None)),
        ([0.0] * 9, Power(9, 0.0, None, None)),
        ([0.2] * 9, Power(9, 0.0, None, None)),
    ],
)
def test_without_variance_to_go_by_nothing_is_promised(sample, expected):
    assert paired_power(sample) == expected


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"difference": 0}, "to be seen must be above 0, got 0"),
        ({"power": 1.0}, "power 1.0 and alpha 0.05 must lie in"),
        ({"alpha": 0}, "power 0.8 and alpha 0 must lie in"),
        ({"power": 0.05}, "power 0.05 and alpha 0.05 must lie in"),
    ],
)
def test_what_no_test_can_reach_is_refused(bad, message):
    with pytest.raises(ValueError, match=message):
        paired_power([0.1, 0.2], **bad)


def test_the_table_has_a_row_a_model_and_language_and_whole_topics():
    def values(shift):
        return {f"q{i}": 0.3 + shift * (i % 3) for i in range(30)}

    results = measured(
        {
            "base": {"en": values(0), "so": values(0)},
            "student": {"en": values(0), "so": values(0.1)},
        }
    )
    table = power_table(results, Comparison.of(results)).set_index("language")
    differences = [0.1 * (i % 3) for i in range(30)]
    assert table.loc["so", "needed"] == paired_power(differences).needed
    assert table.loc["so", "deviation"] == pytest.approx(np.std(differences, ddof=1))
    assert table["needed"].isna()["en"]
    assert table.loc["en", "topics"] == 30
    assert str(table["needed"].dtype) == "Int64"
