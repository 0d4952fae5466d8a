"""What goes with how well a language is served: resources, script, what the encoder makes of it.

There are a dozen languages at most, so the models are tiny: rank correlations one predictor at a
time, and a linear regression of two. English is left out: its queries are in the passages'
language, and it alone would make most of any correlation.
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
"""Predictors, and what they are for people. Those after `latin` are measured with a model."""

FEWEST = 4
"""Languages below which no correlation is reported: three are in order by chance too often."""

MOST_TERMS = 2
"""Predictors that a regression may have."""

Predictors = Mapping[tuple[str, str], Mapping[str, float | None]]
"""(Model, language) -> predictor -> value; None where it can't be measured."""


def language_values(
    measurements: Measurements, comparison: Comparison, measured: Predictors | None = None
) -> pd.DataFrame:
    """A row a model and language other than English: the measure's mean, and each predictor.

    The columns are model, language, value and the predictors; what isn't known is missing (NaN).
    The columns of `measured` predictors are there if any model has them.
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
            own = extra.get((model, code), {})
            known = {name: own.get(name) for name in PREDICTORS if name in named}
            rows.append(row | {k: math.nan if v is None else v for k, v in known.items()})
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation over languages.

    Attributes:
        low: lower end of the 95 % percentile bootstrap interval over languages (resamples in which
            one side doesn't vary are passed over).
        high: its upper end.
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
    """Correlate two values of the same languages; None below `FEWEST`, or if one doesn't vary.

    Raises ValueError for different lengths.
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
    """Of the last axis; NaN where a side doesn't vary."""
    ranks = [stats.rankdata(side, axis=-1) for side in (x, y)]
    centred = [side - side.mean(-1, keepdims=True) for side in ranks]
    spread = np.sqrt((centred[0] ** 2).sum(-1) * (centred[1] ** 2).sum(-1))
    product = (centred[0] * centred[1]).sum(-1)
    return np.divide(product, spread, out=np.full_like(product, np.nan), where=spread > 0)


def correlation_table(values: pd.DataFrame) -> pd.DataFrame:
    """How each predictor goes with each model's means: a row a model and predictor.

    values: of `language_values`. Pairs that can't be correlated have no row. The p values are not
    corrected: this explores.
    """
    rows = []
    for model, own in values.groupby("model", sort=False) if not values.empty else []:
        for name in PREDICTORS:
            known = own.dropna(subset=[name]) if name in own else own.iloc[:0]
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
    """Least squares of each model's means on one or two predictors: a row a model and term.

    Standard errors are HC3 (MacKinnon and White 1985), intervals and p from Student's t. They are
    missing where one language alone decides a coefficient (leverage 1: the only one of another
    script, say). Models with fewer than three languages a coefficient, or a predictor that
    doesn't vary in theirs, have no rows.

    Raises ValueError for no term, more than `MOST_TERMS`, or an unknown one.
    """
    if not 1 <= len(terms) <= MOST_TERMS or len(set(terms)) < len(terms):
        raise ValueError(f"a regression takes 1 to {MOST_TERMS} predictors, got {list(terms)}")
    for name in terms:
        if name not in PREDICTORS:
            raise ValueError(f"unknown predictor {name!r}: use one of {', '.join(PREDICTORS)}")
    rows = []
    for model, own in values.groupby("model", sort=False) if not values.empty else []:
        if not set(terms) <= set(own):
            continue
        known = own.dropna(subset=list(terms))
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
