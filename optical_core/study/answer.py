"""A study's answer in words, and what its numbers don't show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from optical_core.analysis.measure_names import mean_name
from optical_core.study.config import StudyConfig
from optical_core.study.evaluate import label
from optical_core.study.summary import Findings


def answer(config: StudyConfig, findings: Findings, made: dict[str, pd.DataFrame]) -> list[str]:
    """Answer the study's question for one collection, with effect sizes, intervals and p values.

    The first paragraph is about the reference and its best rival. The others are about
    pre-training: other encoders than the baseline, and arms of continued pre-training.
    """
    paragraphs = []
    encoders = [label(m) for m in config.models if not m.startswith("bm25") and "@" not in m]
    others = [name for name in encoders if name != label(config.baseline)]
    for arm in [config.reference, *others, *_pretraining(config)]:
        sentences = _changes(config, arm, made)
        if arm == config.reference and (rivals := _against_rivals(config, made)):
            sentences.append(rivals)
        if sentences:
            paragraphs.append(f"On {findings.info.name}, " + " ".join(sentences))
    return paragraphs or [f"On {findings.info.name}, no arm is measured yet."]


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
    gains = made["changes"]
    for row in [] if gains.empty else gains[gains["model"] == arm].to_dict("records"):
        sentences.append(
            f"It gains {row['change']:+.4f} more in low-resource languages than in high-resource "
            f"ones (95 % CI {row['change_low']:+.4f} to {row['change_high']:+.4f})."
        )
    return sentences


def limits(config: StudyConfig, every: Sequence[Findings]) -> list[str]:
    """State what the numbers don't show."""
    sentences = [
        f"Values are {mean_name(config.measure)} over the first {config.depth} passages. An arm's "
        "value is the mean over its seeds for each topic. Intervals and tests are over topics and "
        "don't cover the spread between seeds, which has its own table.",
        "Only the query encoder is trained. The undistilled teacher encodes the passages, also for "
        "the arms of continued pre-training: re-encoding them might change those arms' results.",
    ]
    if config.taught:
        sentences.append(
            f"Models taught on relevance ({', '.join(config.taught)}) encode their own passages."
        )
    done = {n: min((len(f.seeds.get(n, {})) for f in every), default=0) for n in config.trained}
    short = [f"{name} ({count} of {len(config.seeds)})" for name, count in done.items()]
    if any(count < len(config.seeds) for count in done.values()):
        sentences.append(
            f"The study isn't finished. Seeds of each arm on all collections: {', '.join(short)}."
        )
    loose = [f.info.name for f in every if not f.parallel]
    if loose:
        sentences.append(
            "Levels and raw gaps between languages mean little on collections that aren't "
            f"parallel: {', '.join(loose)}."
        )
    return sentences


def _against_rivals(config: StudyConfig, made: dict[str, pd.DataFrame]) -> str:
    """Compare the reference with the best of another objective on the low-resource mean."""
    rows, levels = made["rivals"], made["levels"]
    if rows.empty or "low-resource" not in levels:
        return ""
    objectives = _objectives(config)
    rivals = [
        name
        for name, objective in objectives.items()
        if objective != objectives[config.reference] and name in set(rows["model"])
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


def _objectives(config: StudyConfig) -> dict[str, str]:
    """The objective of each arm and taught model."""
    return {name: config.settings_of(name, config.seeds[0]).objective for name in config.trained}


def _pretraining(config: StudyConfig) -> list[str]:
    """List the arms of continued pre-training, and those that start from one."""
    trained = [arm for arm, kind in _objectives(config).items() if kind in ("mlm", "tlm")]
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
