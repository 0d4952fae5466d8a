"""A study's findings: values averaged over seeds, tables, and the answer in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from optical_core.analysis.measurements import Comparison, Measurements, Values, mean
from optical_core.analysis.tables import GROUPS, Tables, group_table
from optical_core.data.collection import Collection
from optical_core.study.config import StudyConfig
from optical_core.study.evaluate import label
from optical_core.study.results import write_results_record, write_tables
from optical_core.study.run import Cells, columns


@dataclass(frozen=True)
class Findings:
    """The measurements of one collection of a study, as far as they are done.

    Attributes:
        collection: the collection.
        measurements: of models and arms; an arm's values are means over the seeds.
        comparison: of everything with the study's baseline.
        seeds: arm -> seed -> measurements of that seed's student.
    """

    collection: Collection
    measurements: Measurements
    comparison: Comparison
    seeds: dict[str, dict[int, Measurements]]

    @property
    def parallel(self) -> bool:
        """Whether the queries are the same information needs in every language."""
        return self.measurements.parallel


def study_findings(
    config: StudyConfig, collections: Sequence[Collection], out: Path
) -> list[Findings]:
    """Collect what is measured so far.

    Args:
        config: of the study.
        collections: from `study_collections`.
        out: the study's folder.

    Returns:
        One entry a collection; collections whose baseline isn't measured yet are left out.

    Examples:
        >>> from optical_core.study import read_study, study_collections
        >>> config = read_study("demo")
        >>> study_findings(config, study_collections(config), Path("nothing-yet"))
        []
    """
    cells = Cells(config, out)
    baseline = label(config.baseline)
    findings = []
    for collection in collections:
        models: dict[tuple[str, str], Values] = {}
        seeds: dict[str, dict[int, Measurements]] = {}
        for column in columns(config):
            values = cells.values(column, collection)
            if values is not None and column.seed is not None:
                student = Measurements.of(collection, values)
                seeds.setdefault(column.name, {})[column.seed] = student
            elif values is not None:
                models |= values
        arms = [_mean(arm, list(seeds[arm].values())) for arm in config.arms if arm in seeds]
        measured = Measurements.of(collection, models)
        table = pd.concat([measured.table, *arms], ignore_index=True)
        measurements = replace(
            measured, table=table, study=config.name, students=_students(config, seeds)
        )
        if baseline in measurements.models:
            comparison = Comparison.of(
                measurements, baseline=baseline, high=config.high, low=config.low
            )
            findings.append(Findings(collection, measurements, comparison, seeds))
    return findings


def _students(config: StudyConfig, seeds: Mapping[str, Any]) -> dict[str, str]:
    """Choose each arm's student of the first seed, which represents it in the app."""
    return {
        column.name: column.model
        for column in columns(config)
        if column.seed == config.seeds[0] and column.name in seeds
    }


def write_results(config: StudyConfig, findings: Findings, out: Path) -> None:
    """Write `OUT/results/<collection>` in the form of `optical evaluate`."""
    folder = out / "results" / findings.collection.name
    write_tables(folder, findings.measurements)
    write_results_record(
        folder, findings.measurements, findings.collection.info, depth=config.depth
    )


def tables(config: StudyConfig, findings: Findings) -> dict[str, pd.DataFrame]:
    """Make all tables of one collection, by name; all are of MAP."""
    made = Tables(findings.measurements, findings.comparison)
    return {
        "levels": level_table(findings.measurements, findings.comparison),
        "seeds": seed_table(findings),
        "groups": made.groups,
        "gaps": made.gaps if findings.parallel else pd.DataFrame(),
        "changes": made.changes,
        "rivals": _rivals(config, findings),
        "comparisons": made.comparisons,
        "measures": made.measures,
        "power": made.power,
    }


def _rivals(config: StudyConfig, findings: Findings) -> pd.DataFrame:
    """Compare the arms with the study's reference arm."""
    arms = tuple(arm for arm in config.arms if arm in findings.seeds)
    among = replace(findings.comparison, models=arms, baseline=config.reference)
    return group_table(findings.measurements, among)


def level_table(measurements: Measurements, comparison: Comparison) -> pd.DataFrame:
    """Tabulate MAP of each model and language, and the means of both groups."""
    rows: list[dict[str, Any]] = []
    for model, languages in measurements.samples(comparison).items():
        means = {code: mean(values) for code, values in languages.items()}
        rows.append({"model": model, **means, **_group_levels(comparison, means)})
    return pd.DataFrame(rows)


def seed_table(findings: Findings) -> pd.DataFrame:
    """Tabulate mean and standard deviation over seeds of each group's MAP, a row an arm."""
    rows = []
    for arm, students in findings.seeds.items():
        row: dict[str, Any] = {"arm": arm, "seeds": len(students)}
        levels = pd.concat(
            level_table(student, replace(findings.comparison, models=tuple(student.models)))
            for student in students.values()
        )
        for name in (name for name in GROUPS if name in levels):
            row[name] = float(levels[name].mean())
            row[f"{name} sd"] = float(levels[name].std(ddof=1)) if len(levels) > 1 else None
        rows.append(row)
    return pd.DataFrame(rows)


def _group_levels(comparison: Comparison, means: Mapping[str, float]) -> dict[str, float]:
    """Average the means of each group's languages; groups without any are left out."""
    sides = zip(GROUPS, comparison.sides(means), strict=True)
    return {name: sum(means[c] for c in codes) / len(codes) for name, codes in sides if codes}


def answer(config: StudyConfig, findings: Findings, made: dict[str, pd.DataFrame]) -> list[str]:
    """Answer the study's question for one collection, with effect sizes, intervals and p values.

    The first paragraph is about the reference and its best rival, the others are about continued
    pre-training.
    """
    paragraphs = []
    for arm in [config.reference, *_pretraining(config)]:
        sentences = _changes(config, arm, made)
        if arm == config.reference and (rivals := _against_rivals(config, made)):
            sentences.append(rivals)
        if sentences:
            paragraphs.append(f"On {findings.collection.name}, " + " ".join(sentences))
    return paragraphs or [f"On {findings.collection.name}, no arm is measured yet."]


def _changes(config: StudyConfig, arm: str, made: dict[str, pd.DataFrame]) -> list[str]:
    """Compare an arm with the baseline: each group of languages, and the gap between them."""
    rows, gaps, baseline = made["groups"], made["gaps"], label(config.baseline)
    rows = rows[rows["model"] == arm] if not rows.empty else rows
    if rows.empty:
        return []
    changes = "; ".join(_effect(row) for row in rows.to_dict("records"))
    sentences = [f"{arm} against {baseline}: {changes}."]
    values = {} if gaps.empty else gaps.set_index("model")["gap"].to_dict()
    if arm in values and baseline in values:
        sentences.append(
            f"Its gap is {values[arm]:.3f} where {baseline} has {values[baseline]:.3f}."
        )
    return sentences


def limits(config: StudyConfig, every: Sequence[Findings]) -> list[str]:
    """State what the numbers don't show."""
    sentences = [
        f"Values are MAP over the first {config.depth} passages. An arm's value is the mean over "
        "its seeds for each topic. Intervals and tests are over topics and don't cover the spread "
        "between seeds, which has its own table.",
        "Only the query encoder is trained. The undistilled teacher encodes the passages, also for "
        "the arms of continued pre-training: re-encoding them might change those arms' results.",
    ]
    done = {arm: min((len(f.seeds.get(arm, {})) for f in every), default=0) for arm in config.arms}
    short = [f"{arm} ({n} of {len(config.seeds)})" for arm, n in done.items()]
    if any(n < len(config.seeds) for n in done.values()):
        sentences.append(
            f"The study isn't finished. Seeds of each arm on all collections: {', '.join(short)}."
        )
    loose = [f.collection.name for f in every if not f.parallel]
    if loose:
        sentences.append(
            "Levels and raw gaps between languages mean little on collections that aren't "
            f"parallel: {', '.join(loose)}."
        )
    return sentences


def _against_rivals(config: StudyConfig, made: dict[str, pd.DataFrame]) -> str:
    """Compare the reference with the best arm of another objective on the low-resource mean."""
    rows, levels = made["rivals"], made["levels"]
    if rows.empty or "low-resource" not in levels:
        return ""
    objectives = {arm: config.distillation(arm, config.seeds[0]).objective for arm in config.arms}
    rivals = [
        arm
        for arm, objective in objectives.items()
        if objective != objectives[config.reference] and arm in set(rows["model"])
    ]
    if not rivals:
        return ""
    means = levels.set_index("model")["low-resource"]
    best = max(rivals, key=lambda arm: means[arm])
    row = rows[(rows["model"] == best) & (rows["group"] == "low-resource")].iloc[0]
    verdict = (
        "no difference beyond chance"
        if row["p_holm"] >= 0.05
        else f"{best if row['difference'] > 0 else config.reference} is better"
    )
    return (
        f"The best rival in low-resource languages is {best} ({means[best]:.4f}, "
        f"{config.reference} {means[config.reference]:.4f}): {verdict} "
        f"(difference {-row['difference']:+.4f}, 95 % CI {-row['high']:+.4f} to "
        f"{-row['low']:+.4f}, {_p(row['p_holm'])})."
    )


def _pretraining(config: StudyConfig) -> list[str]:
    """List the arms of continued pre-training, and those that start from one."""
    kinds = {arm: config.distillation(arm, config.seeds[0]) for arm in config.arms}
    trained = [arm for arm, kind in kinds.items() if kind.objective in ("mlm", "tlm")]
    return [
        arm for arm in config.arms if arm in trained or config.arms[arm].get("start") in trained
    ]


def _effect(row: Mapping[Any, Any]) -> str:
    return (
        f"{row['group']} languages {row['difference']:+.4f} (95 % CI {row['low']:+.4f} to "
        f"{row['high']:+.4f}, {_p(row['p_holm'])}, d = {row['effect']:.2f})"
    )


def _p(value: float) -> str:
    """Format a p value.

    Examples:
        >>> _p(0.00002), _p(0.0312)
        ('p < .001', 'p = .031')
    """
    return "p < .001" if value < 0.001 else f"p = {value:.3f}".replace("0.", ".", 1)


def _mean(arm: str, students: Sequence[Measurements]) -> pd.DataFrame:
    """Average an arm's rows over its students, by language, query and measure."""
    tables = [
        student.table.set_index(["language", "query", "measure"])["value"] for student in students
    ]
    values = zip(*(table.reindex(tables[0].index).tolist() for table in tables), strict=True)
    rows = students[0].table
    return rows.assign(model=arm, value=[sum(each) / len(each) for each in values])
