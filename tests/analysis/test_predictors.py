import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from optical_core.analysis.measurements import Comparison
from optical_core.analysis.predictors import (
    correlation_table,
    language_values,
    rank_correlation,
    regression_table,
)
from optical_core.data.languages import LANGUAGES
from optical_core.data.resources import CC100_GIB, CC100_TOKENS, UNSPACED
from tests.measured import measured

CODES = ("fr", "de", "it", "es", "sw", "so", "tl", "mr", "hi", "ha", "am", "te")


def results(mean):
    """One model whose mean in each language is `mean(code)`."""
    return {
        "m": {code: {"a": mean(code) - 0.01, "b": mean(code) + 0.01} for code in ("en", *CODES)}
    }


def values(results, known=None, *, measure="AP"):
    measurements = measured(results)
    return language_values(measurements, Comparison.of(measurements, measure=measure), known)


def test_every_language_of_cc100_is_known_and_has_tokens():
    assert set(CC100_TOKENS) == set(CC100_GIB) <= set(LANGUAGES)
    assert set(LANGUAGES) >= UNSPACED
    per_gib = {code: CC100_TOKENS[code] / CC100_GIB[code] for code in CC100_GIB}
    spaced = [ratio for code, ratio in per_gib.items() if code not in UNSPACED]
    # A slip in the table would show here; words between spaces say little of the unspaced.
    assert min(spaced) > 40
    assert max(spaced) < 250
    assert all(per_gib[code] < 40 for code in UNSPACED)


def test_values_leave_english_out_and_what_is_unknown_empty():
    known = {("m", "so"): {"transport": 0.6, "fertility": None}}
    table = values(results(lambda code: 0.5), known).set_index("language")
    assert "en" not in table.index
    assert table.loc["so", "value"] == pytest.approx(0.5)
    assert table.loc["so", "tokens"] == pytest.approx(math.log10(62))
    assert table.loc["so", "transport"] == 0.6
    assert list(table.loc[["so", "mr"], "latin"]) == [1, 0]
    assert table["fertility"].isna().all()
    assert table["transport"].notna().sum() == 1
    assert values({"m": {"yo": {"a": 0.1}, "ja": {"a": 0.1}}})["tokens"].isna().all()


def test_values_are_of_one_measure_and_of_languages_that_have_it():
    known = {("m", "so"): {"transport": 0.6}, ("other", "so"): {"fertility": 2.0}}
    own = {
        "m": {
            "en": {"AP": {"a": 1.0}, "RR": {"a": 1.0}},
            "sw": {"AP": {"a": 0.5}, "RR": {}},
            "so": {"AP": {"a": 0.5}, "RR": {"a": 0.25, "b": 0.5}},
        },
    }
    (row,) = values(own, known, measure="RR").to_dict("records")
    assert math.isnan(row.pop("fertility"))
    assert row == {
        "model": "m",
        "language": "so",
        "value": 0.375,
        "tokens": math.log10(62),
        "latin": 1.0,
        "transport": 0.6,
    }


def test_a_perfect_order_has_correlation_one_and_an_exact_p():
    found = rank_correlation([1, 2, 3, 4, 5], [0.1, 0.2, 0.4, 0.8, 0.9])
    assert found.spearman == pytest.approx(1)
    assert found.p == pytest.approx(2 / math.factorial(5))
    assert (found.low, found.high, found.languages) == (pytest.approx(1), pytest.approx(1), 5)


def test_the_correlation_is_scipy_s_with_ties_and_has_a_like_p():
    generator = np.random.default_rng(0)
    x = generator.integers(0, 4, 12).astype(float)
    y = x + generator.normal(0, 2, 12)
    found, expected = rank_correlation(x, y), stats.spearmanr(x, y)
    assert found.spearman == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue, abs=0.02)
    assert found.low < found.spearman < found.high


@pytest.mark.slow
def test_the_interval_is_over_resampled_languages_those_without_variance_passed_over():
    x, y = np.array([1, 2, 3, 4]), np.array([2, 1, 4, 3])
    found = rank_correlation(x, y, seed=5)
    picks = np.random.default_rng(5).integers(0, 4, (10_000, 4))
    with np.errstate(invalid="ignore"):
        drawn = [np.corrcoef(stats.rankdata([x[p], y[p]], axis=1))[0, 1] for p in picks]
    assert np.isnan(drawn).any()
    assert [found.low, found.high] == pytest.approx(np.nanquantile(drawn, [0.025, 0.975]).tolist())


def test_values_of_unlike_languages_are_refused():
    with pytest.raises(ValueError, match="same languages are needed, got 4 and 5"):
        rank_correlation([1, 2, 3, 4], [1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("x", "y"),
    [([1, 2, 3], [1, 2, 3]), ([1, 1, 1, 1], [1, 2, 3, 4]), ([1, 2, 3, 4], [1, 1, 1, 1])],
)
def test_too_few_languages_or_a_constant_have_no_correlation(x, y):
    assert rank_correlation(x, y) is None


def test_the_table_finds_the_predictor_that_made_the_means():
    cost = dict(zip(CODES, np.linspace(0.2, 0.7, 12), strict=True))
    known = {("m", code): {"transport": value} for code, value in cost.items()}
    means = results(lambda code: 0.9 - cost.get(code, 0) ** 2)
    table = correlation_table(values(means, known)).set_index("predictor")
    assert set(table.index) == {"tokens", "latin", "transport"}
    assert table.loc["transport", "spearman"] == pytest.approx(-1)
    assert table.loc["transport", "p_permutation"] < 0.001
    assert (table["languages"] == 12).all()
    assert list(table.reset_index().columns) == [
        "predictor",
        "model",
        "languages",
        "spearman",
        "low",
        "high",
        "p_permutation",
    ]
    assert (table["low"] <= table["spearman"]).all()
    assert (table["spearman"] <= table["high"]).all()


def planted(noise=0.0):
    generator = np.random.default_rng(0)

    def mean(code):
        latin = LANGUAGES[code].script == "LATIN"
        return (
            0.1 + 0.12 * math.log10(CC100_TOKENS[code]) - 0.05 * latin + generator.normal(0, noise)
        )

    return values(results(mean))


def test_the_regression_recovers_planted_coefficients():
    table = regression_table(planted(), ["tokens", "latin"]).set_index("term")
    assert list(table["coefficient"]) == pytest.approx([0.1, 0.12, -0.05])
    assert table["r2_adjusted"].iloc[0] == pytest.approx(1)
    assert (table["languages"] == 12).all()
    assert list(table.reset_index().columns) == [
        "term",
        "model",
        "languages",
        "coefficient",
        "error",
        "low",
        "high",
        "p",
        "r2_adjusted",
    ]
    assert set(table["model"]) == {"m"}
    assert list(table.index) == ["intercept", "tokens", "latin"]


def test_hc3_errors_are_those_of_the_formula_and_cover_what_was_planted():
    values = planted(noise=0.02)
    table = regression_table(values, ["tokens", "latin"]).set_index("term")
    design = np.column_stack([np.ones(12), values["tokens"], values["latin"]])
    inverse = np.linalg.inv(design.T @ design)
    residuals = values["value"] - design @ (inverse @ design.T @ values["value"])
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    weights = (residuals / (1 - leverage)) ** 2
    covariance = inverse @ (design.T * weights.to_numpy()) @ design @ inverse
    assert list(table["error"]) == pytest.approx(np.sqrt(np.diag(covariance)))
    half = stats.t.ppf(0.975, 12 - 3) * table["error"]
    assert list(table["high"] - table["coefficient"]) == pytest.approx(list(half))
    assert list(table["coefficient"] - table["low"]) == pytest.approx(list(half))
    p = 2 * stats.t.sf(abs(table["coefficient"]) / table["error"], 12 - 3)
    assert list(table["p"]) == pytest.approx(list(p))
    assert table.loc["tokens", "low"] < 0.12 < table.loc["tokens", "high"]


def test_a_coefficient_that_one_language_decides_has_no_error():
    values = planted(noise=0.02)
    values = values[(values["latin"] == 1) | (values["language"] == "mr")]
    values = values[values["language"] != "ha"]
    assert regression_table(values, ["latin", "tokens"]).empty  # 8 languages, 3 coefficients
    row = regression_table(values, ["latin"]).set_index("term").loc["latin"]
    assert row["coefficient"] != 0
    assert math.isnan(row["error"])
    assert math.isnan(row["p"])


def test_models_keep_their_order():
    order = {code: i for i, code in enumerate(CODES)}
    means = results(lambda code: 0.1 * order.get(code, 0))["m"]
    both = values({"second": means, "first": means})
    for table in (regression_table(both, ["tokens"]), correlation_table(both)):
        assert list(dict.fromkeys(table["model"])) == ["second", "first"]


def test_too_few_languages_and_constant_predictors_have_no_rows():
    latin = planted()[lambda table: table["latin"] == 1]
    assert regression_table(latin, ["latin"]).empty
    assert regression_table(latin.iloc[:5], ["tokens"]).empty
    assert len(regression_table(latin.iloc[:6], ["tokens"])) == 2
    assert regression_table(latin, ["transport"]).empty
    assert correlation_table(pd.DataFrame()).empty


@pytest.mark.parametrize("terms", [[], ["tokens", "latin", "transport"], ["tokens"] * 2, ["x"]])
def test_a_regression_takes_one_or_two_known_predictors(terms):
    with pytest.raises(ValueError, match="predictor"):
        regression_table(planted(), terms)
