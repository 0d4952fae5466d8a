"""Predictors of a language's quality: its resources, its script, how the encoder reads it.

There are a dozen languages at most, so the models are tiny: a rank correlation for each predictor,
and a linear regression on two. English is left out. Its queries are in the passages' language, and
it alone would decide most correlations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from optical_core.analysis.measurements import Comparison, Measurements
from optical_core.analysis.resampling import RESAMPLES
from optical_core.data.languages import is_english, language
from optical_core.data.resources import CC100_TOKENS, UNSPACED

PREDICTORS = {
    "tokens": "tokens in CC-100, log10 of millions",
    "latin": "Latin script, as English",
    "fertility": "tokens a word (fertility)",
    "transport": "transport cost to English",
    "unaligned": "share of mass that doesn't align",
}
"""Predictors -> their names for people. Those after `latin` are measured with a model."""

FEWEST = 4
"""A correlation needs this many languages: three are in order by chance too often."""

MOST_TERMS = 2
"""A regression has at most this many predictors."""

Predictors = Mapping[tuple[str, str], Mapping[str, float | None]]
"""(Model, language) -> predictor -> value; None where it can't be measured."""


def language_values(
    measurements: Measurements, comparison: Comparison, measured: Predictors | None = None
) -> pd.DataFrame:
    """Collect the measure's mean and each predictor, a row a model and language except English.

    Args:
        measurements: of one collection.
        comparison: which models, languages and measure.
        measured: predictors measured with the models.

    Returns:
        The columns model, language, value, and the predictors; NaN if unknown. A `measured`
        predictor has a column if any model has it.

    Examples:
        >>> values = {("bm25", code): {"AP": {"q1": 0.5}} for code in ("en", "so")}
        >>> measurements = Measurements(Measurements.rows(values))
        >>> table = language_values(measurements, Comparison.of(measurements))
        >>> table[["language", "value", "latin"]].to_dict("records")
        [{'language': 'so', 'value': 0.5, 'latin': 1.0}]
    """
    extra = measured or {}
    named = {name for values in extra.values() for name in values}
    rows = []
    for model, languages in measurements.samples(comparison).items():
        for code, values in languages.items():
            if is_english(code):
                continue
            tokens = None if code in UNSPACED else CC100_TOKENS.get(code)
            row = {
                "model": model,
                "language": code,
                "value": float(values.to_numpy().mean()),
                "tokens": math.log10(tokens) if tokens else math.nan,
                "latin": float(language(code).script == "LATIN"),
            }
            by_name = extra.get((model, code), {})
            known = {name: by_name.get(name) for name in PREDICTORS if name in named}
            rows.append(row | {k: math.nan if v is None else v for k, v in known.items()})
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation over languages.

    Attributes:
        languages: how many there are.
        spearman: the coefficient.
        low: lower end of the 95 % percentile bootstrap interval over languages (resamples in which
            one side doesn't vary are skipped).
        high: upper end of it.
        p: two-sided permutation test, exact up to seven languages.
    """

    languages: int
    spearman: float
    low: float
    high: float
    p: float


def rank_correlation(
    x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray, *, seed: int = 0
) -> Correlation | None:
    """Correlate two values of the same languages.

    Args:
        x: one value a language.
        y: the other value.
        seed: of the bootstrap and of the permutation test.

    Returns:
        None for fewer than `FEWEST` languages, or if one side doesn't vary.

    Raises:
        ValueError: the lengths differ.

    Examples:
        >>> correlation = rank_correlation([1, 2, 3, 4, 5], [0.1, 0.2, 0.4, 0.3, 0.5])
        >>> round(correlation.spearman, 2), round(correlation.p, 3)
        (0.9, 0.083)
    """
    if len(x) != len(y):
        raise ValueError(f"values of the same languages are needed, got {len(x)} and {len(y)}")
    first, second = np.asarray(x, float), np.asarray(y, float)
    if len(first) < FEWEST or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    generator = np.random.default_rng(seed)
    picks = generator.integers(0, len(first), (RESAMPLES, len(first)))
    low, high = np.nanquantile(_spearman(first[picks], second[picks]), [0.025, 0.975])
    test = stats.permutation_test(
        (first,),
        lambda shuffled, axis=-1: _spearman(shuffled, np.broadcast_to(second, shuffled.shape)),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=generator,
    )
    return Correlation(
        len(first), float(test.statistic), float(low), float(high), float(test.pvalue)
    )


def _spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's coefficient over the last axis; NaN where a side doesn't vary."""
    ranks = [stats.rankdata(side, axis=-1) for side in (x, y)]
    centred = [side - side.mean(-1, keepdims=True) for side in ranks]
    spread = np.sqrt((centred[0] ** 2).sum(-1) * (centred[1] ** 2).sum(-1))
    product = (centred[0] * centred[1]).sum(-1)
    return np.divide(product, spread, out=np.full_like(product, np.nan), where=spread > 0)


def correlation_table(values: pd.DataFrame) -> pd.DataFrame:
    """Correlate each predictor with each model's means, a row a model and predictor.

    Args:
        values: from `language_values`.

    Returns:
        One row for each pair that can be correlated. The p values aren't corrected for their
        number: the table is exploratory.

    Examples:
        >>> values = pd.DataFrame(
        ...     {"model": "bm25", "value": [0.1, 0.2, 0.3, 0.4], "tokens": [1.0, 2.0, 3.0, 4.0]}
        ... )
        >>> correlation_table(values)[["predictor", "languages", "spearman"]].to_dict("records")
        [{'predictor': 'tokens', 'languages': 4, 'spearman': 1.0}]
    """
    rows = []
    for model, table in values.groupby("model", sort=False) if not values.empty else []:
        for name in PREDICTORS:
            known = table.dropna(subset=[name]) if name in table else table.iloc[:0]
            result = rank_correlation(known[name], known["value"]) if len(known) else None
            if result is not None:
                rows.append(
                    {
                        "model": model,
                        "predictor": name,
                        "languages": result.languages,
                        "spearman": result.spearman,
                        "low": result.low,
                        "high": result.high,
                        "p_permutation": result.p,
                    }
                )
    return pd.DataFrame(rows)


def regression_table(values: pd.DataFrame, terms: Sequence[str]) -> pd.DataFrame:
    """Fit each model's means by least squares on one or two predictors, a row a model and term.

    Standard errors are HC3 (MacKinnon and White 1985), intervals and p from Student's t. They are
    missing where one language alone decides a coefficient (leverage 1: the only language with
    another script, say). A model has no rows if it has fewer than three languages a coefficient,
    or if a predictor doesn't vary.

    Args:
        values: from `language_values`.
        terms: names of predictors.

    Raises:
        ValueError: no term, more than `MOST_TERMS`, or an unknown one.

    Examples:
        >>> values = pd.DataFrame(
        ...     {
        ...         "model": "bm25",
        ...         "value": [0.1, 0.3, 0.2, 0.4, 0.5, 0.7],
        ...         "tokens": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        ...     }
        ... )
        >>> table = regression_table(values, ["tokens"])
        >>> table[["term", "coefficient"]].round(2).to_dict("records")
        [{'term': 'intercept', 'coefficient': -0.01}, {'term': 'tokens', 'coefficient': 0.11}]
    """
    if not 1 <= len(terms) <= MOST_TERMS or len(set(terms)) < len(terms):
        raise ValueError(f"a regression takes 1 to {MOST_TERMS} predictors, got {list(terms)}")
    for name in terms:
        if name not in PREDICTORS:
            raise ValueError(f"unknown predictor {name!r}: use one of {', '.join(PREDICTORS)}")
    rows = []
    for model, table in values.groupby("model", sort=False) if not values.empty else []:
        if not set(terms) <= set(table):
            continue
        known = table.dropna(subset=list(terms))
        if len(known) >= 3 * (len(terms) + 1):
            rows += [{"model": model} | row for row in _fitted(known, terms)]
    return pd.DataFrame(rows)


def _fitted(known: pd.DataFrame, terms: Sequence[str]) -> list[dict[str, object]]:
    import statsmodels.api as sm

    design = sm.add_constant(known[list(terms)].to_numpy(float), has_constant="add")
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return []
    plain = sm.OLS(known["value"].to_numpy(float), design).fit()
    # HC3 divides by 1 - leverage.
    decided = bool((plain.get_influence().hat_matrix_diag > 1 - 1e-9).any())
    robust = plain if decided else plain.get_robustcov_results("HC3", use_t=True)
    nothing = np.full(len(robust.params), np.nan)
    interval = np.array(robust.conf_int())
    columns = {
        "error": nothing if decided else robust.bse,
        "low": nothing if decided else interval[:, 0],
        "high": nothing if decided else interval[:, 1],
        "p": nothing if decided else robust.pvalues,
    }
    return [
        {
            "term": term,
            "languages": len(known),
            "coefficient": float(robust.params[index]),
            **{name: float(column[index]) for name, column in columns.items()},
            "r2_adjusted": float(plain.rsquared_adj),
        }
        for index, term in enumerate(["intercept", *terms])
    ]
