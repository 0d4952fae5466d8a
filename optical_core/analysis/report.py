"""The evaluation's tables: one data frame each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from optical_core.analysis.gaps import (
    PerQuery,
    gap_changes,
    language_gaps,
    paired_differences,
)
from optical_core.analysis.metrics import MEASURES
from optical_core.analysis.power import paired_power
from optical_core.analysis.resampling import bootstrap_intervals
from optical_core.analysis.significance import compare, compare_groups, corrected_p
from optical_core.data.languages import HIGH_RESOURCE, LOW_RESOURCE
from optical_core.data.published import (
    MIRACL_DEV,
    MIRACL_MEASURES,
    MIRACL_MODELS,
    MIRACL_TOPICS,
)

Results = Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]]
"""Model -> language -> measure -> query -> value."""


def measure_table(results: Results, *, measure: str = "AP") -> pd.DataFrame:
    """Means of every measure: a row a model and language, with one measure's 95 % interval."""
    rows: list[dict[str, Any]] = []
    samples = []
    for model, languages in results.items():
        for code, measures in languages.items():
            means = {
                name: sum(measures[name].values()) / max(len(measures[name]), 1)
                for name in MEASURES
                if name in measures
            }
            rows.append({"model": model, "language": code, "topics": len(measures["AP"])} | means)
            samples.append(np.array(list(measures[measure].values()), float))
    intervals = bootstrap_intervals([[(1.0, sample)] for sample in samples])
    for row, (low, high) in zip(rows, intervals, strict=True):
        row |= {f"{measure}_low": low, f"{measure}_high": high}
    return pd.DataFrame(rows)


def comparison_table(
    results: Results, baseline: str, *, measure: str = "AP", correction: str = "holm"
) -> pd.DataFrame:
    """Each other model against the baseline, a paired test a language, corrected over them all.

    The corrected p is in the column `p_<correction>`.
    """
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
    for found in compare(pairs, correction=correction):
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
                "p_wilcoxon": found.p_wilcoxon,
                "p_randomisation": found.p_randomisation,
                f"p_{correction}": found.p_corrected,
                "significant": found.significant,
                "effect": found.effect,
            }
        )
    return pd.DataFrame(rows)


def group_table(
    results: Results,
    baseline: str,
    *,
    parallel: bool,
    measure: str = "AP",
    high: Sequence[str] = HIGH_RESOURCE,
    low: Sequence[str] = LOW_RESOURCE,
    correction: str = "holm",
) -> pd.DataFrame:
    """Each other model against the baseline on the mean of a group: a row a model and group.

    A group's languages are those that both models have. The corrected p, over all rows, is in
    the column `p_<correction>`.
    """
    sides = _one_measure(results, measure)
    named: list[tuple[str, str]] = []
    chosen = []
    for model in (model for model in sides if model != baseline):
        differences = paired_differences(sides[model], sides[baseline])
        for group, members in (("high-resource", high), ("low-resource", low)):
            named.append((model, group))
            chosen.append({code: d for code, d in differences.items() if code in members})
    rows = [
        {
            "model": model,
            "baseline": baseline,
            "group": group,
            "languages": ", ".join(found.languages),
            "topics": found.topics,
            "difference": found.mean,
            "low": found.low,
            "high": found.high,
            "p_randomisation": found.p,
            "effect": found.effect,
        }
        for (model, group), found in zip(
            named, compare_groups(chosen, parallel=parallel), strict=True
        )
        if found is not None
    ]
    table = pd.DataFrame(rows)
    if not table.empty:
        corrected = corrected_p(list(table["p_randomisation"]), correction)
        table.insert(table.columns.get_loc("effect"), f"p_{correction}", corrected)
    return table


def power_table(
    results: Results,
    baseline: str,
    *,
    measure: str = "AP",
    difference: float = 0.01,
    power: float = 0.8,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """What a paired t test over topics can see: a row a model and language.

    detectable: the smallest mean difference that the topics show with the wanted power; needed:
    topics that `difference` asks for. Both are missing where the differences don't vary.
    """
    rows: list[dict[str, Any]] = []
    sides = _one_measure(results, measure)
    for model, ours in sides.items():
        if model == baseline:
            continue
        for code, values in paired_differences(ours, sides[baseline]).items():
            found = paired_power(
                list(values.values()), difference=difference, power=power, alpha=alpha
            )
            rows.append(
                {
                    "model": model,
                    "baseline": baseline,
                    "language": code,
                    "topics": found.topics,
                    "deviation": found.deviation,
                    "detectable": found.detectable,
                    "difference": difference,
                    "needed": found.needed,
                }
            )
    table = pd.DataFrame(rows)
    # Whole numbers stay whole beside missing ones.
    return table if table.empty else table.astype({"needed": "Int64"})


def gap_table(
    results: Results,
    *,
    parallel: bool,
    measure: str = "AP",
    high: Sequence[str] = HIGH_RESOURCE,
    low: Sequence[str] = LOW_RESOURCE,
) -> pd.DataFrame:
    """High- against low-resource languages, a row a model; empty if a group is missing."""
    gaps = language_gaps(_one_measure(results, measure), parallel=parallel, high=high, low=low)
    rows = [
        {
            "model": gap.model,
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
        for gap in gaps
    ]
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
    changes = gap_changes(baseline, _one_measure(results, measure), high=high, low=low)
    rows = [
        {
            "model": found.model,
            "baseline": found.baseline,
            "high_difference": found.high,
            "low_difference": found.low,
            "change": found.change,
            "change_low": found.interval[0],
            "change_high": found.interval[1],
        }
        for found in changes
    ]
    return pd.DataFrame(rows)


def published_table(results: Results) -> pd.DataFrame:
    """MIRACL's published baselines beside one's own results: a row a language and model.

    Languages are those of the results that MIRACL has. `topics` is the number of queries behind
    a row, missing where it isn't published: where one's own differs, another set of queries was
    measured.
    """
    rows: list[dict[str, Any]] = []
    languages = dict.fromkeys(code for found in results.values() for code in found)
    for code in (code for code in languages if code in MIRACL_DEV[MIRACL_MODELS[0]]):
        for model in MIRACL_MODELS:
            rows.append(
                {"language": code, "model": model, "from": "published"}
                | {"topics": MIRACL_TOPICS.get(code), **MIRACL_DEV[model][code]}
            )
        for model, found in results.items():
            if code in found:
                own = {n: found[code][n] for n in MIRACL_MEASURES if n in found[code]}
                rows.append(
                    {"language": code, "model": model, "from": "yours"}
                    | {"topics": max(map(len, own.values()), default=0)}
                    | {n: sum(v.values()) / max(len(v), 1) for n, v in own.items()}
                )
    table = pd.DataFrame(rows)
    return table if table.empty else table.astype({"topics": "Int64"})


def _one_measure(results: Results, measure: str) -> dict[str, PerQuery]:
    """Model -> language -> query -> value of one measure."""
    return {
        model: {code: measures[measure] for code, measures in languages.items()}
        for model, languages in results.items()
    }
