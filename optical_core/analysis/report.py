"""The evaluation's tables: one data frame each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from optical_core.analysis.gaps import PerQuery, gap_change, language_gap
from optical_core.analysis.metrics import MEASURES
from optical_core.analysis.significance import bootstrap_interval, compare
from optical_core.data.languages import HIGH_RESOURCE, LOW_RESOURCE

Results = Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]]
"""Model -> language -> measure -> query -> value."""


def measure_table(results: Results, *, measure: str = "AP") -> pd.DataFrame:
    """Means of every measure: a row a model and language, with one measure's 95 % interval."""
    rows = []
    for model, languages in results.items():
        for code, measures in languages.items():
            means = {
                name: sum(measures[name].values()) / max(len(measures[name]), 1)
                for name in MEASURES
                if name in measures
            }
            low, high = bootstrap_interval(list(measures[measure].values()))
            row = {"model": model, "language": code, "topics": len(measures["AP"])}
            rows.append(row | means | {f"{measure}_low": low, f"{measure}_high": high})
    return pd.DataFrame(rows)


def comparison_table(results: Results, baseline: str, *, measure: str = "AP") -> pd.DataFrame:
    """Each other model against the baseline, each language a paired test; Holm over them all."""
    pairs = {}
    for model, languages in results.items():
        for code, measures in languages.items():
            if model != baseline and code in results[baseline]:
                shared = results[baseline][code][measure]
                topics = sorted(topic for topic in measures[measure] if topic in shared)
                if not topics:
                    continue
                ours = [measures[measure][topic] for topic in topics]
                theirs = [shared[topic] for topic in topics]
                pairs[f"{model}\t{code}"] = (ours, theirs)
    rows = []
    for found in compare(pairs):
        model, code = found.label.split("\t")
        rows.append(
            {
                "model": model,
                "baseline": baseline,
                "language": code,
                "topics": found.topics,
                "difference": found.mean,
                "low": found.low,
                "high": found.high,
                "p_t": found.p_t,
                "p_randomisation": found.p_randomisation,
                "p_holm": found.p_corrected,
                "significant": found.significant,
                "effect": found.effect,
            }
        )
    return pd.DataFrame(rows)


def gap_table(
    results: Results,
    *,
    parallel: bool,
    measure: str = "AP",
    high: Sequence[str] = HIGH_RESOURCE,
    low: Sequence[str] = LOW_RESOURCE,
) -> pd.DataFrame:
    """High- against low-resource languages, a row a model; empty if a group is missing."""
    rows: list[dict[str, Any]] = []
    for model, per_query in _one_measure(results, measure).items():
        gap = language_gap(model, per_query, parallel=parallel, high=high, low=low)
        if gap is not None:
            rows.append(
                {
                    "model": model,
                    "high": gap.high,
                    "low": gap.low,
                    "gap": gap.absolute,
                    "gap_low": gap.interval[0],
                    "gap_high": gap.interval[1],
                    "relative_gap": gap.relative,
                    "worst": gap.worst,
                    "worst_value": gap.worst_value,
                    "rank_correlation": gap.rank_correlation,
                }
            )
    return pd.DataFrame(rows)


def change_table(
    results: Results,
    baseline: str,
    *,
    measure: str = "AP",
    high: Sequence[str] = HIGH_RESOURCE,
    low: Sequence[str] = LOW_RESOURCE,
) -> pd.DataFrame:
    """Difference in differences: each other model against the baseline, a row a model."""
    rows: list[dict[str, Any]] = []
    sides = _one_measure(results, measure)
    for model, ours in sides.items():
        if model == baseline:
            continue
        found = gap_change(model, baseline, ours, sides[baseline], high=high, low=low)
        if found is not None:
            rows.append(
                {
                    "model": model,
                    "baseline": baseline,
                    "high_difference": found.high,
                    "low_difference": found.low,
                    "change": found.change,
                    "change_low": found.interval[0],
                    "change_high": found.interval[1],
                }
            )
    return pd.DataFrame(rows)


def _one_measure(results: Results, measure: str) -> dict[str, PerQuery]:
    """Model -> language -> query -> value of one measure."""
    return {
        model: {code: measures[measure] for code, measures in languages.items()}
        for model, languages in results.items()
    }
