"""Contributions of languages add up to the gap and to its change."""

import pytest

from optical_core.analysis.contributions import contribution_table
from optical_core.analysis.gaps import language_gaps
from optical_core.analysis.measurements import Comparison
from tests.measured import measured, two_models

LEVELS = {"en": 0.6, "de": 0.5, "so": 0.2, "sw": 0.4, "yo": 0.1}
GAINS = {"en": 0.02, "de": -0.01, "so": 0.1, "sw": 0.05, "yo": -0.03}


@pytest.fixture
def results():
    def topics(mean):
        return {f"q{i}": mean + 0.01 * i for i in range(4)}

    return measured(
        {
            "embedded": {code: topics(level) for code, level in LEVELS.items()},
            "student": {code: topics(LEVELS[code] + gain) for code, gain in GAINS.items()},
        }
    )


def test_the_parts_sum_up_to_the_gap_and_to_its_change(results):
    comparison = Comparison.of(results, baseline="embedded")
    before, after = language_gaps(results, comparison)
    table = contribution_table(results, comparison)
    assert list(table["language"]) == list(LEVELS)
    assert table["shortfall"].sum() == pytest.approx(before.absolute)
    assert table["change"].sum() == pytest.approx(after.absolute - before.absolute)
    rows = table.set_index("language")
    assert rows.loc["so", "shortfall"] == pytest.approx((0.55 - 0.2) / 3)
    assert rows.loc["so", "change"] == pytest.approx(-0.1 / 3)
    assert rows.loc["en", "change"] == pytest.approx(0.02 / 2)
    assert (rows.loc["de", "shortfall"], rows.loc["de", "group"]) == (0, "high-resource")


def test_levels_of_different_queries_are_not_subtracted():
    results = measured(
        {m: {"en": {"q1": 0.5}, "so": {"q2": 0.2}} for m in ("a", "b")}, parallel=False
    )
    table = contribution_table(results, Comparison.of(results))
    assert table["shortfall"].isna().all()
    assert table["change"].tolist() == [0, 0]


def test_without_languages_of_both_groups_there_is_no_gap():
    results = two_models()
    comparison = Comparison(("embedded", "student"), ("en", "so"), "embedded", "AP", ("en",), ())
    assert contribution_table(results, comparison).empty
