"""The evaluation's tables: one data frame each, from measurements and a comparison."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from optical_core.analysis.contributions import contribution_table
from optical_core.analysis.gaps import gap_changes, language_gaps
from optical_core.analysis.measurements import Comparison, Measurements, mean
from optical_core.analysis.power import paired_power
from optical_core.analysis.resampling import bootstrap_intervals
from optical_core.analysis.significance import corrected_p, group_tests, paired_tests
from optical_core.data.published import (
    MIRACL_DEV,
    MIRACL_MEASURES,
    MIRACL_MODELS,
    MIRACL_TOPICS,
)

TABLES = ("measures", "gaps", "comparisons", "changes", "groups", "power")
GROUPS = ("high-resource", "low-resource")
"""Names of the sides of a comparison."""


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of one comparison; each is made on first access and then kept.

    All but `measures` and `gaps` compare with the baseline.

    Attributes:
        measurements: of one collection.
        comparison: what the tables are about.

    Examples:
        >>> values = {("bm25", "so"): {"AP": {"q1": 0.5, "q2": 0.25}}}
        >>> measurements = Measurements(Measurements.rows(values))
        >>> Tables(measurements, Comparison.of(measurements)).measures["AP"].tolist()
        [0.375]
    """

    measurements: Measurements
    comparison: Comparison

    @cached_property
    def measures(self) -> pd.DataFrame:
        """See `measure_table`."""
        return measure_table(self.measurements, self.comparison)

    @cached_property
    def gaps(self) -> pd.DataFrame:
        """See `gap_table`."""
        return gap_table(self.measurements, self.comparison)

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """See `comparison_table`."""
        return comparison_table(self.measurements, self.comparison)

    @cached_property
    def changes(self) -> pd.DataFrame:
        """See `change_table`."""
        return change_table(self.measurements, self.comparison)

    @cached_property
    def groups(self) -> pd.DataFrame:
        """See `group_table`."""
        return group_table(self.measurements, self.comparison)

    @cached_property
    def power(self) -> pd.DataFrame:
        """See `power_table`."""
        return power_table(self.measurements, self.comparison)

    @cached_property
    def contributions(self) -> pd.DataFrame:
        """See `contribution_table`."""
        return contribution_table(self.measurements, self.comparison)


def measure_table(measurements: Measurements, comparison: Comparison) -> pd.DataFrame:
    """Average every measure, a row a model and language.

    The comparison's measure also has its 95 % interval, in `<measure>_low` and `<measure>_high`.
    """
    samples = measurements.samples(comparison)
    columns, names = measurements.columns, measurements.measures
    rows: list[dict[str, Any]] = [
        {"model": model, "language": code, "topics": len(values)}
        | {n: mean(columns[model, code, n]) for n in names if (model, code, n) in columns}
        for model, languages in samples.items()
        for code, values in languages.items()
    ]
    intervals = bootstrap_intervals(
        [
            [(1.0, values.to_numpy())]
            for languages in samples.values()
            for values in languages.values()
        ]
    )
    for row, (low, high) in zip(rows, intervals, strict=True):
        row |= {f"{comparison.measure}_low": low, f"{comparison.measure}_high": high}
    return pd.DataFrame(rows)


def comparison_table(
    measurements: Measurements, comparison: Comparison, *, correction: str = "holm"
) -> pd.DataFrame:
    """Test each other model against the baseline, a row a model and language.

    The column `p_<correction>` has the p corrected over all rows.

    Raises:
        ValueError: an unknown correction.
    """
    differences = {
        (model, code): values.to_numpy()
        for model, languages in measurements.differences(comparison).items()
        for code, values in languages.items()
    }
    rows = [
        {
            "model": model,
            "baseline": comparison.baseline,
            "language": code,
            "topics": test.topics,
            "difference": test.mean,
            "low": test.low,
            "high": test.high,
            "p_t": test.p_t,
            "p_wilcoxon": test.p_wilcoxon,
            "p_randomisation": test.p_randomisation,
            f"p_{correction}": test.p_corrected,
            "significant": test.significant,
            "effect": test.effect,
        }
        for (model, code), test in paired_tests(differences, correction=correction).items()
    ]
    return pd.DataFrame(rows)


def group_table(
    measurements: Measurements, comparison: Comparison, *, correction: str = "holm"
) -> pd.DataFrame:
    """Test each other model against the baseline on the mean of a group, a row a model and group.

    A group's languages are those that both models have. The column `p_<correction>` has the p
    corrected over all rows.

    Raises:
        ValueError: an unknown correction.
    """
    groups = {
        (model, name): {code: languages[code] for code in codes}
        for model, languages in measurements.differences(comparison).items()
        for name, codes in zip(GROUPS, comparison.sides(languages), strict=True)
    }
    tests = group_tests(list(groups.values()), parallel=measurements.parallel)
    rows = [
        {
            "model": model,
            "baseline": comparison.baseline,
            "group": group,
            "languages": ", ".join(test.languages),
            "topics": test.topics,
            "difference": test.mean,
            "low": test.low,
            "high": test.high,
            "p_randomisation": test.p,
            "effect": test.effect,
        }
        for (model, group), test in zip(groups, tests, strict=True)
        if test is not None
    ]
    table = pd.DataFrame(rows)
    if not table.empty:
        corrected = corrected_p(list(table["p_randomisation"]), correction)
        table.insert(table.columns.get_loc("effect"), f"p_{correction}", corrected)
    return table


def power_table(
    measurements: Measurements,
    comparison: Comparison,
    *,
    difference: float = 0.01,
    power: float = 0.8,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Compute what a paired t test over topics can show, a row a model and language.

    The column `detectable` has the smallest mean difference that the topics show with the wanted
    power, `needed` the number of topics that would show `difference`. Both are missing where the
    differences don't vary.

    Raises:
        ValueError: as `paired_power`.
    """
    rows: list[dict[str, Any]] = []
    for model, languages in measurements.differences(comparison).items():
        for code, values in languages.items():
            plan = paired_power(values.to_numpy(), difference=difference, power=power, alpha=alpha)
            rows.append(
                {
                    "model": model,
                    "baseline": comparison.baseline,
                    "language": code,
                    "topics": plan.topics,
                    "deviation": plan.deviation,
                    "detectable": plan.detectable,
                    "difference": difference,
                    "needed": plan.needed,
                }
            )
    table = pd.DataFrame(rows)
    # A nullable type keeps whole numbers whole beside missing ones.
    return table if table.empty else table.astype({"needed": "Int64"})


def gap_table(measurements: Measurements, comparison: Comparison) -> pd.DataFrame:
    """Compare high- and low-resource languages, a row a model; empty if a group is missing."""
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
        for gap in language_gaps(measurements, comparison)
    ]
    return pd.DataFrame(rows)


def change_table(measurements: Measurements, comparison: Comparison) -> pd.DataFrame:
    """Compare each other model's gains between the groups, a row a model: see `gap_changes`."""
    rows = [
        {
            "model": change.model,
            "baseline": change.baseline,
            "high_difference": change.high,
            "low_difference": change.low,
            "change": change.change,
            "change_low": change.interval[0],
            "change_high": change.interval[1],
        }
        for change in gap_changes(measurements, comparison)
    ]
    return pd.DataFrame(rows)


def published_table(measurements: Measurements, comparison: Comparison) -> pd.DataFrame:
    """Show MIRACL's published baselines beside one's own results, a row a language and model.

    Only measured languages that MIRACL has are in it. `topics` is the number of queries behind a
    row, missing if it isn't published. If one's own number differs, the queries are not the same.
    """
    measured = measurements.samples(comparison)
    by_measure = {
        name: measurements.samples(replace(comparison, measure=name)) for name in MIRACL_MEASURES
    }
    rows: list[dict[str, Any]] = []
    codes = dict.fromkeys(code for languages in measured.values() for code in languages)
    for code in (code for code in codes if code in MIRACL_DEV[MIRACL_MODELS[0]]):
        for model in MIRACL_MODELS:
            rows.append(
                {"language": code, "model": model, "from": "published"}
                | {"topics": MIRACL_TOPICS.get(code), **MIRACL_DEV[model][code]}
            )
        for model in (model for model in measured if code in measured[model]):
            values = {
                name: samples[model][code]
                for name, samples in by_measure.items()
                if code in samples.get(model, {})
            }
            rows.append(
                {"language": code, "model": model, "from": "yours"}
                | {"topics": max(map(len, values.values()), default=0)}
                | {name: mean(sample) for name, sample in values.items()}
            )
    table = pd.DataFrame(rows)
    return table if table.empty else table.astype({"topics": "Int64"})
