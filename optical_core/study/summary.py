"""A study's findings: values averaged over seeds, and their tables."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from optical_core.analysis.measure_names import mean_name
from optical_core.analysis.measurements import Comparison, Measurements, Values, mean
from optical_core.analysis.tables import GROUPS, Tables, group_table
from optical_core.data.collection import Collection
from optical_core.data.collection_info import CollectionInfo
from optical_core.study.config import StudyConfig
from optical_core.study.evaluate import label
from optical_core.study.results import write_results_record, write_tables
from optical_core.study.run import Cells, columns, languages_of


@dataclass(frozen=True)
class Findings:
    """The measurements of one collection of a study, as far as they are done.

    Attributes:
        info: what the collection says of itself.
        measurements: of models, taught models and arms; values of what was trained are means over
            the seeds.
        comparison: of everything with the study's baseline.
        seeds: arm or taught model -> seed -> measurements of that seed's.
    """

    info: CollectionInfo
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
        One entry a collection, or one for all if the study pools them; collections whose baseline
        isn't measured yet are left out.

    Examples:
        >>> from optical_core.study import read_study, study_collections
        >>> config = read_study("demo")
        >>> study_findings(config, study_collections(config), Path("nothing-yet"))
        []
    """
    cells = Cells(config, out)
    groups = [list(collections)] if config.pooled else [[each] for each in collections]
    found = (_findings(config, cells, group) for group in groups)
    return [each for each in found if each is not None]


def _findings(
    config: StudyConfig, cells: Cells, collections: Sequence[Collection]
) -> Findings | None:
    """Collect what is measured on collections that are reported as one; None before the baseline.

    A model counts once it is measured on all of them.
    """
    models: dict[tuple[str, str], Values] = {}
    seeds: dict[str, dict[int, Measurements]] = {}
    info, fingerprint = _joined(config, collections)
    for column in columns(config):
        parts = [cells.values(column, collection) for collection in collections]
        values = {key: table for part in parts if part for key, table in part.items()}
        if any(part is None for part in parts):
            continue
        if column.seed is None:
            models |= values
        else:
            rows = Measurements.rows(values)
            of_seed = Measurements(rows, info.name, info.parallel, fingerprint)
            seeds.setdefault(column.name, {})[column.seed] = of_seed
    trained = [_mean(name, list(seeds[name].values())) for name in config.trained if name in seeds]
    measurements = Measurements(
        pd.concat([Measurements.rows(models), *trained], ignore_index=True),
        info.name,
        info.parallel,
        fingerprint,
        study=config.name,
        students=_students(config, seeds),
    )
    baseline = label(config.baseline)
    if baseline not in measurements.models:
        return None
    comparison = Comparison.of(
        measurements,
        baseline=baseline,
        measure=config.measure,
        high=config.high,
        low=config.low,
    )
    return Findings(info, measurements, comparison, seeds)


def _joined(
    config: StudyConfig, collections: Sequence[Collection]
) -> tuple[CollectionInfo, str | None]:
    """What collections say of themselves, and their fingerprint, as if they were one."""
    if not config.pooled:
        return collections[0].info, collections[0].fingerprint
    infos = [collection.info for collection in collections]
    names = ", ".join(info.name for info in infos)
    digest = hashlib.blake2b(digest_size=8)
    for collection in collections:
        digest.update(collection.fingerprint.encode())
    info = CollectionInfo(
        name=config.name,
        description=f"{names}: each language has its own queries and passages, and is searched by "
        "itself.",
        licence="; ".join(dict.fromkeys(info.licence for info in infos)),
        source="; ".join(dict.fromkeys(info.source for info in infos)),
        languages=tuple(
            code for collection in collections for code in languages_of(config, collection)
        ),
        parallel=False,
    )
    return info, digest.hexdigest()


def _students(config: StudyConfig, seeds: Mapping[str, Any]) -> dict[str, str]:
    """Choose the first seed's model of all that was trained: it stands for it in the app."""
    return {
        column.name: column.model
        for column in columns(config)
        if column.seed == config.seeds[0] and column.name in seeds
    }


def write_results(config: StudyConfig, findings: Findings, out: Path) -> None:
    """Write `OUT/results/<collection>` in the form of `optical evaluate`."""
    folder = out / "results" / findings.info.name
    write_tables(folder, findings.measurements)
    write_results_record(folder, findings.measurements, findings.info, depth=config.depth)


def tables(config: StudyConfig, findings: Findings) -> dict[str, pd.DataFrame]:
    """Make all tables of one collection, by name; `others` is of the other measures that the study
    names, and of how much was judged; the rest of the measure that models are compared by."""
    made = Tables(findings.measurements, findings.comparison)
    return {
        "levels": level_table(findings.measurements, findings.comparison),
        "others": _other_levels(config, findings),
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
    arms = tuple(name for name in config.trained if name in findings.seeds)
    among = replace(findings.comparison, models=arms, baseline=config.reference)
    return group_table(findings.measurements, among)


def _other_levels(config: StudyConfig, findings: Findings) -> pd.DataFrame:
    """Level tables of the other measures below each other, with a column that names them."""
    measured = findings.measurements.measures
    names = [name for name in measured if name in config.measures or name.startswith("Judged")]
    tables = []
    for name in (name for name in names if name != config.measure):
        of_one = replace(findings.comparison, measure=name)
        table = level_table(findings.measurements, of_one)
        table.insert(0, "measure", mean_name(name))
        tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def level_table(measurements: Measurements, comparison: Comparison) -> pd.DataFrame:
    """Tabulate the measure's mean of each model and language, and the means of both groups."""
    rows: list[dict[str, Any]] = []
    for model, languages in measurements.samples(comparison).items():
        means = {code: mean(values) for code, values in languages.items()}
        rows.append({"model": model, **means, **_group_levels(comparison, means)})
    return pd.DataFrame(rows)


def seed_table(findings: Findings) -> pd.DataFrame:
    """Tabulate mean and standard deviation over seeds of each group's level, a row an arm."""
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


def _mean(arm: str, students: Sequence[Measurements]) -> pd.DataFrame:
    """Average an arm's rows over its students, by language, query and measure."""
    shared = set(students[0].measures).intersection(*(each.measures for each in students))
    kept = [student.table[student.table["measure"].isin(shared)] for student in students]
    tables = [rows.set_index(["language", "query", "measure"])["value"] for rows in kept]
    values = zip(*(table.reindex(tables[0].index).tolist() for table in tables), strict=True)
    rows = kept[0]
    return rows.assign(model=arm, value=[sum(each) / len(each) for each in values])
