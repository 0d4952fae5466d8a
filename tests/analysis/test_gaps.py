"""Gaps and their changes, computed by hand."""

from dataclasses import replace

import numpy as np
import pytest

from optical_core.analysis.gaps import gap_changes, language_gaps
from optical_core.analysis.measurements import Comparison
from optical_core.analysis.resampling import bootstrap_intervals
from optical_core.analysis.significance import bootstrap_interval
from tests.measured import measured


def named(*values):
    return dict(zip("abcdefgh", values, strict=False))


MODEL = {
    "en": named(0.9, 0.8, 0.7, 0.8),
    "de": named(0.7, 0.8, 0.6, 0.5),
    "so": named(0.4, 0.5, 0.3),  # without topic d
    "yo": named(0.2, 0.2, 0.1),
}


def language_gap(model, values, *, parallel, **groups):
    """The gap of one model alone."""
    measurements = measured({model: values}, parallel=parallel)
    (gap,) = language_gaps(measurements, Comparison.of(measurements, **groups))
    return gap


def changes(models):
    measurements = measured(models)
    return gap_changes(measurements, Comparison.of(measurements, baseline="base"))


def test_the_interval_of_a_parallel_gap_is_over_topics_that_all_languages_have():
    gap = language_gap("m", MODEL, parallel=True)
    topics = [0.8 - 0.3, 0.8 - 0.35, 0.65 - 0.2]  # a, b, c: high minus low
    assert gap.interval == pytest.approx(bootstrap_interval(topics, seed=0))
    assert gap.absolute == pytest.approx((0.8 + 0.65) / 2 - (0.4 + 0.5 / 3) / 2)
    assert (gap.model, gap.worst, gap.worst_value) == ("m", "yo", pytest.approx(0.5 / 3))


def test_the_interval_of_other_gaps_resamples_each_language_by_itself():
    gap = language_gap("m", MODEL, parallel=False)
    weights = {"en": 1 / 2, "de": 1 / 2, "so": -1 / 2, "yo": -1 / 2}
    contrast = [(w, np.array(list(MODEL[code].values()))) for code, w in weights.items()]
    (expected,) = bootstrap_intervals([contrast], resamples=1000, seed=0)
    assert gap.interval == pytest.approx(expected)
    assert gap.rank_correlation is None


def test_languages_without_a_topic_in_common_are_resampled_by_themselves():
    values = {"en": named(0.9, 0.8), "so": {"x": 0.4, "y": 0.1}}
    gap = language_gap("m", values, parallel=True)
    assert gap == language_gap("m", values, parallel=False)
    assert gap.interval[0] < gap.absolute < gap.interval[1]


def test_the_rank_correlation_is_the_mean_over_pairs_of_languages():
    # Ranks of topics: en 3 2 1, de 2 3 1, so 2 3 1. Spearman: 1/2, 1/2 and 1.
    three = {code: MODEL[code] for code in ("en", "de", "so")}
    gap = language_gap("m", three, parallel=True)
    assert gap.rank_correlation == pytest.approx((0.5 + 0.5 + 1) / 3)
    two = {code: MODEL[code] for code in ("en", "so")}
    assert language_gap("m", two, parallel=True).rank_correlation == pytest.approx(0.5)


@pytest.mark.parametrize("so", [named(0.1, 0.1, 0.1), named(0.1, 0.2)])
def test_a_constant_language_or_two_topics_have_no_rank_correlation(so):
    found = language_gap("m", {"en": named(0.9, 0.8, 0.7), "so": so}, parallel=True)
    assert found.rank_correlation is None


def test_without_any_success_the_relative_gap_is_zero():
    nothing = {"en": named(0.0, 0.0, 0.0), "so": named(0.0, 0.0, 0.0)}
    gap = language_gap("m", nothing, parallel=True)
    assert (gap.relative, gap.absolute, gap.interval) == (0, 0, (0, 0))


@pytest.mark.parametrize("parallel", [True, False])
def test_models_are_measured_together_as_alone_and_those_without_a_group_left_out(parallel):
    half = {code: {q: v / 2 for q, v in values.items()} for code, values in MODEL.items()}
    models = {"m": MODEL, "english": {"en": MODEL["en"]}, "half": half}
    measurements = measured(models, parallel=parallel)
    together = language_gaps(measurements, Comparison.of(measurements))
    assert [gap.model for gap in together] == ["m", "half"]
    for gap in together:
        alone = language_gap(gap.model, models[gap.model], parallel=parallel)
        assert gap.interval == pytest.approx(alone.interval)
        assert replace(gap, interval=alone.interval) == alone
    assert together[1].relative == pytest.approx(together[0].relative)


def test_groups_may_be_chosen():
    gap = language_gap("m", MODEL, parallel=True, high=["so"], low=["yo"])
    assert (gap.high, gap.low) == (pytest.approx(0.4), pytest.approx(0.5 / 3))
    assert gap.worst == "yo"


BASE = {"en": named(0.5, 0.5, 0.5), "so": named(0.2, 0.2, 0.2), "yo": named(0.1, 0.1, 0.1)}
BETTER = {"en": named(0.6, 0.6, 0.6), "so": named(0.4, 0.4, 0.4), "yo": named(0.5, 0.5, 0.5)}


def test_a_change_is_the_low_languages_gain_beyond_that_of_the_high_ones():
    (found,) = changes({"base": BASE, "student": BETTER})
    assert (found.model, found.baseline) == ("student", "base")
    assert (found.high, found.low, found.change) == pytest.approx((0.1, 0.3, 0.2))
    assert found.interval == pytest.approx((0.2, 0.2))


def test_the_interval_of_a_change_resamples_each_languages_differences():
    generator = np.random.default_rng(0)
    gains = {"en": generator.normal(0.1, 0.1, 20), "so": generator.normal(0.3, 0.1, 30)}
    better = {c: {f"{i:02}": v for i, v in enumerate(gain)} for c, gain in gains.items()}
    base = {c: dict.fromkeys(values, 0.0) for c, values in better.items()}
    (found,) = changes({"base": base, "student": better})
    contrast = [(1.0, gains["so"]), (-1.0, gains["en"])]
    (expected,) = bootstrap_intervals([contrast], resamples=1000, seed=0)
    assert found.interval == pytest.approx(expected)
    assert found.interval[0] < found.change < found.interval[1]


def test_a_model_that_shares_no_low_language_with_the_baseline_has_no_change():
    models = {"base": BASE, "english": {"en": BASE["en"]}, "zulu": {"zu": named(0.1)}}
    assert changes(models) == []
