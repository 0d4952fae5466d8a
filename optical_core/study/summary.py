"""What a study found: values averaged over seeds, tables, and the answer in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from optical_core.analysis.report import (
    Results,
    change_table,
    comparison_table,
    gap_table,
    group_table,
    measure_table,
    power_table,
)
from optical_core.data.collection import Collection
from optical_core.data.languages import members
from optical_core.data.records import write_record
from optical_core.models.precision import precision, query_precision
from optical_core.study.config import StudyConfig
from optical_core.study.evaluate import Measures, label
from optical_core.study.results import write_values
from optical_core.study.run import Cells, columns

MEASURE = "AP"


@dataclass(frozen=True)
class Findings:
    """One collection of a study, as far as it is measured.

    Attributes:
        results: model or arm -> language -> measure -> query -> value, means over the seeds.
        seeds: arm -> seed -> the values of that seed's student.
    """

    collection: Collection
    results: Results
    seeds: dict[str, dict[int, Measures]]

    @property
    def parallel(self) -> bool:
        return self.collection.info.parallel


def findings(config: StudyConfig, collections: Sequence[Collection], out: Path) -> list[Findings]:
    """What is measured so far, a collection each; those without their baseline are left out."""
    cells = Cells(config, out)
    found = []
    for collection in collections:
        results: dict[str, Measures] = {}
        seeds: dict[str, dict[int, Measures]] = {}
        for column in columns(config):
            values = cells.values(column, collection)
            if values is not None and column.seed is not None:
                seeds.setdefault(column.name, {})[column.seed] = values
            elif values is not None:
                results[column.name] = values
        for arm in config.arms:
            if arm in seeds:
                results[arm] = _mean(list(seeds[arm].values()))
        if label(config.baseline) in results:
            found.append(Findings(collection, results, seeds))
    return found


def write_results(config: StudyConfig, found: Findings, out: Path) -> None:
    """Write `OUT/results/<collection>` in the form of `optical evaluate`, for app and programs."""
    folder = out / "results" / found.collection.name
    for model, languages in found.results.items():
        for code, values in languages.items():
            write_values(folder / model / f"{code}.csv", values)
    students = {
        column.name: column.model
        for column in columns(config)
        if column.seed == config.seeds[0] and column.name in found.results
    }
    write_record(
        folder / "record.json",
        {
            "collection": found.collection.info.model_dump(),
            "fingerprint": found.collection.fingerprint,
            "models": list(found.results),
            "languages": list(next(iter(found.results.values()))),
            "depth": config.depth,
            "precision": precision(),
            "query_precision": query_precision(),
            "parallel": found.parallel,
            "study": config.name,
            "students": students,
        },
    )


def tables(config: StudyConfig, found: Findings) -> dict[str, pd.DataFrame]:
    """Every table of one collection by name; all are of MAP."""
    groups: dict[str, Any] = dict(zip(("high", "low"), _groups(config, found), strict=True))
    family: dict[str, Any] = {"parallel": found.parallel, **groups}
    made = {
        "levels": level_table(config, found),
        "seeds": seed_table(config, found),
        "groups": group_table(found.results, label(config.baseline), **family),
        "gaps": gap_table(found.results, **family) if found.parallel else pd.DataFrame(),
        "changes": change_table(found.results, label(config.baseline), **groups),
        "rivals": pd.DataFrame(),
        "comparisons": comparison_table(found.results, label(config.baseline)),
        "measures": measure_table(found.results),
        "power": power_table(found.results, label(config.baseline)),
    }
    if config.reference in found.results:
        arms = {arm: found.results[arm] for arm in config.arms if arm in found.results}
        made["rivals"] = group_table(arms, config.reference, **family)
    return made


def _groups(config: StudyConfig, found: Findings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The languages measured that belong to either group, variants with them."""
    codes = dict.fromkeys(code for languages in found.results.values() for code in languages)
    return members(config.high, codes), members(config.low, codes)


def _named_groups(config: StudyConfig, found: Findings) -> list[tuple[str, tuple[str, ...]]]:
    return list(zip(("high-resource", "low-resource"), _groups(config, found), strict=True))


def level_table(config: StudyConfig, found: Findings) -> pd.DataFrame:
    """MAP of each model and language, and the means of both groups."""
    rows: list[dict[str, Any]] = []
    for model, languages in found.results.items():
        means = {code: _mean_value(values[MEASURE]) for code, values in languages.items()}
        row: dict[str, Any] = {"model": model, **means}
        for name, codes in _named_groups(config, found):
            levels = [means[code] for code in codes if code in means]
            if levels:
                row[name] = sum(levels) / len(levels)
        rows.append(row)
    return pd.DataFrame(rows)


def seed_table(config: StudyConfig, found: Findings) -> pd.DataFrame:
    """Mean and standard deviation over seeds of each group's MAP, a row an arm."""
    rows = []
    for arm, students in found.seeds.items():
        row: dict[str, Any] = {"arm": arm, "seeds": len(students)}
        for name, codes in _named_groups(config, found):
            levels = []
            for measures in students.values():
                values = [_mean_value(measures[c][MEASURE]) for c in codes if c in measures]
                if values:
                    levels.append(sum(values) / len(values))
            if levels:
                series = pd.Series(levels)
                row[name] = float(series.mean())
                row[f"{name} sd"] = float(series.std(ddof=1)) if len(levels) > 1 else None
        rows.append(row)
    return pd.DataFrame(rows)


def answer(config: StudyConfig, found: Findings, made: dict[str, pd.DataFrame]) -> list[str]:
    """The study's question, answered for one collection: effect sizes, intervals, p values.

    The first paragraph is of the reference and its best rival, the others are of continued
    pre-training.
    """
    paragraphs = []
    for arm in [config.reference, *_pretraining(config)]:
        sentences = _changes(config, arm, made)
        if arm == config.reference and (rivals := _against_rivals(config, made)):
            sentences.append(rivals)
        if sentences:
            paragraphs.append(f"On {found.collection.name}, " + " ".join(sentences))
    return paragraphs or [f"On {found.collection.name}, no arm is measured yet."]


def _changes(config: StudyConfig, arm: str, made: dict[str, pd.DataFrame]) -> list[str]:
    """An arm against the baseline: each group of languages, and the gap between them."""
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


def limits(config: StudyConfig, found: Sequence[Findings]) -> list[str]:
    """What the numbers don't say."""
    said = [
        f"Values are MAP over the first {config.depth} passages; of an arm, the mean over its "
        "seeds for each topic. Intervals and tests are over topics and don't cover the spread "
        "between seeds, which is in a table of its own.",
        "Only the query encoder is trained. Passages are the undistilled teacher's, also for the "
        "arms of continued pre-training: re-encoding them might change those arms' results.",
    ]
    done = {arm: min((len(f.seeds.get(arm, {})) for f in found), default=0) for arm in config.arms}
    short = [f"{arm} ({n} of {len(config.seeds)})" for arm, n in done.items()]
    if any(n < len(config.seeds) for n in done.values()):
        said.append(f"Not finished. Seeds of each arm on all collections: {', '.join(short)}.")
    loose = [f.collection.name for f in found if not f.parallel]
    if loose:
        said.append(
            f"Not parallel, so levels and raw gaps between languages mean little: "
            f"{', '.join(loose)}."
        )
    return said


def _against_rivals(config: StudyConfig, made: dict[str, pd.DataFrame]) -> str:
    """The reference against the best arm of another objective on the low-resource mean."""
    rows, levels = made["rivals"], made["levels"]
    if rows.empty or "low-resource" not in levels:
        return ""
    own = config.distillation(config.reference, config.seeds[0]).objective
    others = [
        arm
        for arm in config.arms
        if config.distillation(arm, config.seeds[0]).objective != own and arm in set(rows["model"])
    ]
    if not others:
        return ""
    means = levels.set_index("model")["low-resource"]
    best = max(others, key=lambda arm: means[arm])
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
    """Arms of continued pre-training, and those that go on from one."""
    kinds = {arm: config.distillation(arm, config.seeds[0]) for arm in config.arms}
    trained = [arm for arm, found in kinds.items() if found.objective in ("mlm", "tlm")]
    return [
        arm for arm in config.arms if arm in trained or config.arms[arm].get("start") in trained
    ]


def _effect(row: Mapping[Any, Any]) -> str:
    return (
        f"{row['group']} languages {row['difference']:+.4f} (95 % CI {row['low']:+.4f} to "
        f"{row['high']:+.4f}, {_p(row['p_holm'])}, d = {row['effect']:.2f})"
    )


def _p(value: float) -> str:
    """
    >>> _p(0.00002), _p(0.0312)
    ('p < .001', 'p = .031')
    """
    return "p < .001" if value < 0.001 else f"p = {value:.3f}".replace("0.", ".", 1)


def _mean_value(values: Mapping[str, float]) -> float:
    return sum(values.values()) / max(len(values), 1)


def _mean(students: Sequence[Measures]) -> Measures:
    """Mean over students of each language's, measure's and query's value."""
    first = students[0]
    return {
        code: {
            name: {
                query: sum(student[code][name][query] for student in students) / len(students)
                for query in values
            }
            for name, values in measures.items()
        }
        for code, measures in first.items()
    }
