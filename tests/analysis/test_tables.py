"""The evaluation's tables in full: columns, and a row computed by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from optical_core.analysis.measurements import Comparison
from optical_core.analysis.significance import bootstrap_interval
from optical_core.analysis.tables import (
    change_table,
    comparison_table,
    gap_table,
    group_table,
    measure_table,
    power_table,
    published_table,
)
from tests.measured import measured


def named(*values):
    return {"AP": dict(zip("abcde", values, strict=False))}


RESULTS = {
    "base": {"en": named(0.5, 0.4, 0.6, 0.5), "so": named(0.2, 0.1, 0.3, 0.2, 0.9)},
    "student": {
        "en": named(0.6, 0.3, 0.7, 0.6),
        "so": named(0.3, 0.4, 0.5, 0.6),  # without topic e
        "yo": named(0.5, 0.5, 0.5, 0.5),  # a language that the baseline lacks
    },
}
GAIN = np.array([0.1, 0.3, 0.2, 0.4])
"""Of Somali, topic by topic: its signs have 2 of 16 patterns as extreme."""
LOW, HIGH = bootstrap_interval(GAIN, seed=0)


def tabled(table, results, *, parallel=True, measure="AP", groups=(), **options):
    """A table of all the results, against the first model."""
    measurements = measured(results, parallel=parallel)
    comparison = Comparison.of(measurements, measure=measure, **dict(groups))
    return table(measurements, comparison, **options)


def row(table, **where):
    """The only row where the columns have these values."""
    for column, value in where.items():
        table = table[table[column] == value]
    (found,) = table.to_dict("records")
    return found


def approximately(**values):
    return {k: pytest.approx(v) if isinstance(v, float) else v for k, v in values.items()}


def test_means_stand_beside_one_measures_interval():
    results = {"m": {"so": {"AP": {"a": 0.2, "b": 0.6}, "RR": {"a": 1.0, "b": 0.5}}}}
    low, high = bootstrap_interval([0.2, 0.6], seed=0)
    shared = {"model": "m", "language": "so", "topics": 2, "AP": 0.4, "RR": 0.75}
    assert tabled(measure_table, results).to_dict("records") == [
        approximately(**shared, AP_low=low, AP_high=high)
    ]
    low, high = bootstrap_interval([1.0, 0.5], seed=0)
    assert tabled(measure_table, results, measure="RR").to_dict("records") == [
        approximately(**shared, RR_low=low, RR_high=high)
    ]


def test_the_mean_of_one_topic_is_its_value_and_its_interval_a_point():
    (found,) = tabled(measure_table, {"m": {"so": named(0.4)}}).to_dict("records")
    assert (found["AP"], found["AP_low"], found["AP_high"]) == (0.4, 0.4, 0.4)


def test_a_comparison_has_three_tests_an_interval_and_an_effect():
    table = tabled(comparison_table, RESULTS)
    assert list(table["language"]) == ["en", "so"]
    assert row(table, language="so") == approximately(
        model="student",
        baseline="base",
        language="so",
        topics=4,
        difference=0.25,
        low=LOW,
        high=HIGH,
        p_t=float(stats.ttest_1samp(GAIN, 0).pvalue),
        p_wilcoxon=2 / 16,
        p_randomisation=2 / 16,
        p_holm=4 / 16,
        significant=False,
        effect=0.25 / np.std(GAIN, ddof=1),
    )


def test_languages_that_share_no_topic_have_no_comparison():
    base = {"so": named(0.1, 0.2), "yo": named(0.1, 0.2)}
    student = {"so": {"AP": {"x": 0.1}}, "yo": named(0.2, 0.3)}
    table = tabled(comparison_table, {"base": base, "student": student})
    assert list(table["language"]) == ["yo"]
    del student["yo"]
    assert tabled(comparison_table, {"base": base, "student": student}).empty


@pytest.mark.parametrize("parallel", [True, False])
def test_a_group_is_compared_on_the_mean_of_its_languages(parallel):
    table = tabled(group_table, RESULTS, parallel=parallel)
    assert list(table["group"]) == ["high-resource", "low-resource"]
    assert row(table, group="low-resource") == approximately(
        model="student",
        baseline="base",
        group="low-resource",
        languages="so",
        topics=4,
        difference=0.25,
        low=LOW,
        high=HIGH,
        p_randomisation=2 / 16,
        p_holm=4 / 16,
        effect=0.25 / np.std(GAIN, ddof=1),
    )
    groups = {"high": ["so"], "low": ["en"]}
    chosen = tabled(group_table, RESULTS, parallel=parallel, groups=groups)
    assert row(chosen, group="high-resource")["languages"] == "so"


def test_power_is_planned_from_the_differences_of_shared_topics():
    table = tabled(power_table, RESULTS, difference=0.2)
    found = row(table, language="so")
    deviation = float(np.std(GAIN, ddof=1))

    def power(topics, mean):
        """Of a two-sided paired t test at alpha .05, the other tail left out."""
        shift = mean / deviation * topics**0.5
        return stats.nct.sf(stats.t.ppf(0.975, topics - 1), topics - 1, shift)

    assert power(found["needed"], 0.2) >= 0.8 > power(found["needed"] - 1, 0.2)
    assert power(4, found["detectable"]) == pytest.approx(0.8, abs=1e-3)
    assert found == approximately(
        model="student",
        baseline="base",
        language="so",
        topics=4,
        deviation=deviation,
        detectable=found["detectable"],
        difference=0.2,
        needed=found["needed"],
    )


def test_gaps_and_their_change():
    base = {"en": named(0.5, 0.7, 0.6), "so": named(0.2, 0.3, 0.3)}
    gaps = tabled(gap_table, {"base": base})
    low, high = bootstrap_interval([0.3, 0.4, 0.3], seed=0)
    assert row(gaps, model="base") == approximately(
        model="base",
        high=0.6,
        low=0.8 / 3,
        gap=1 / 3,
        gap_low=low,
        gap_high=high,
        relative_gap=1 / 3 / 0.6,
        worst="so",
        worst_value=0.8 / 3,
        rank_correlation=stats.spearmanr([0.5, 0.7, 0.6], [0.2, 0.3, 0.3]).statistic,
    )
    changes = tabled(change_table, RESULTS)
    found = row(changes, model="student")
    assert found["change_low"] < 0.2 < found["change_high"]
    assert found == approximately(
        model="student",
        baseline="base",
        high_difference=0.05,
        low_difference=0.25,
        change=0.2,
        change_low=found["change_low"],
        change_high=found["change_high"],
    )


def test_published_rows_say_where_they_come_from():
    own = {"nDCG@10": {"a": 0.25, "b": 0.75}, "AP": {"a": 1.0}}
    table = tabled(published_table, {"mine": {"sw": own}})
    assert list(table["from"]) == ["published"] * 3 + ["yours"]
    assert row(table, model="BM25") == {
        "language": "sw",
        "model": "BM25",
        "from": "published",
        "topics": 482,
        "nDCG@10": 0.3826,
        "R@100": 0.7008,
    }
    mine = row(table, model="mine")
    assert np.isnan(mine.pop("R@100"))
    assert mine == {
        "language": "sw",
        "model": "mine",
        "from": "yours",
        "topics": 2,
        "nDCG@10": 0.5,
    }
    others = tabled(published_table, {"mine": {"sw": {"AP": {"a": 1.0}}}})
    assert row(others, model="mine")["topics"] == 0


@pytest.mark.parametrize(
    "table", [comparison_table, group_table, power_table, gap_table, change_table]
)
def test_any_measure_may_be_tabled(table):
    """The other measure holds the values that AP has in RESULTS, and AP has others."""
    other = {
        model: {
            code: {"RR": measures["AP"], "AP": dict.fromkeys(measures["AP"], 0.5)}
            for code, measures in languages.items()
        }
        for model, languages in RESULTS.items()
    }
    pd.testing.assert_frame_equal(tabled(table, other, measure="RR"), tabled(table, RESULTS))
