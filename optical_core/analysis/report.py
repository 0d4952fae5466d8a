"""The evaluation's tables: one data frame each, written as CSV, JSON, Markdown and LaTeX."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from optical_core.analysis.gaps import gap_change, language_gap
from optical_core.analysis.metrics import MEASURES
from optical_core.analysis.significance import bootstrap_interval, compare
from optical_core.data.languages import HIGH_RESOURCE, LOW_RESOURCE
from optical_core.storage import replace_file

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
    for model, languages in results.items():
        per_query = {code: measures[measure] for code, measures in languages.items()}
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
    sides = {
        model: {code: measures[measure] for code, measures in languages.items()}
        for model, languages in results.items()
    }
    for model in results:
        if model == baseline:
            continue
        found = gap_change(model, baseline, sides[model], sides[baseline], high=high, low=low)
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


def write_table(table: pd.DataFrame, folder: Path, name: str) -> None:
    """Write NAME.csv, .json, .md and .tex; numbers in full in the first two, to 4 places else."""
    rounded = table.copy()
    for column in rounded.select_dtypes("float"):
        rounded[column] = rounded[column].map(lambda value: f"{value:.4f}")
    contents = {
        "csv": table.to_csv(index=False),
        "json": json.dumps(table.to_dict("records"), indent=2, default=str) + "\n",
        "md": markdown(rounded),
        "tex": latex(rounded),
    }
    for suffix, text in contents.items():
        with replace_file(folder / f"{name}.{suffix}") as temporary:
            temporary.write_text(text, encoding="utf-8")


def markdown(table: pd.DataFrame) -> str:
    """A Markdown table; pipes in names are escaped."""
    cells = [[str(value).replace("|", r"\|") for value in row] for row in table.to_numpy()]
    lines = ["| " + " | ".join(map(str, table.columns)) + " |"]
    lines.append("|" + "|".join("---" for _ in table.columns) + "|")
    lines += ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join(lines) + "\n"


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def latex(table: pd.DataFrame) -> str:
    """A booktabs table; special characters in names are escaped."""

    def escaped(value: object) -> str:
        return "".join(_LATEX.get(character, character) for character in str(value))

    lines = [r"\begin{tabular}{" + "l" * len(table.columns) + "}", r"\toprule"]
    lines.append(" & ".join(map(escaped, table.columns)) + r" \\")
    lines.append(r"\midrule")
    lines += [" & ".join(map(escaped, row)) + r" \\" for row in table.to_numpy()]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"
