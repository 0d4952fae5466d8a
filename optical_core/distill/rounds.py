"""Rounds of a training on relevance: their last steps, and the passages that each uses."""

from __future__ import annotations

import json
import logging
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from optical_core.data.lines import read_json
from optical_core.data.relevance import Relevance
from optical_core.distill import ranks
from optical_core.distill.mining import Mined, by_bm25, by_encoder, mine
from optical_core.distill.relevance_batches import Row, contrastive_rows, scored_rows
from optical_core.distill.teach_config import TeachConfig
from optical_core.models.token_encoder import TokenEncoder
from optical_core.storage import replace_file

logger = logging.getLogger(__name__)


class StopAt(TrainerCallback):
    """Ends a round with a checkpoint."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step >= self.step:
            control.should_save = control.should_training_stop = True


def rows_of_round(
    config: TeachConfig,
    relevance: Relevance,
    batches: Sequence[Sequence[Row]],
    number: int,
    model: Any,
    work: Path,
) -> tuple[Any, dict[str, int]]:
    """Make a round's rows.

    Returns:
        The rows, and reason -> how many passages were left out of the negatives.
    """
    if config.objective != "contrastive":
        return scored_rows(relevance, batches, negatives=config.negatives, seed=config.seed), {}
    mined = Mined([], [])
    asked = sorted({row.example for batch in batches for row in batch})
    if config.negatives:
        path = work / f"negatives-{number + 1}.json"
        mined = ranks.once(lambda: _mined(config, relevance, asked, number, model, path))
    rows, random_ones = contrastive_rows(
        relevance,
        batches,
        dict(zip(asked, mined.negatives, strict=False)),
        dict(zip(asked, mined.doubtful, strict=False)) if config.keep else None,
        negatives=config.negatives,
        seed=config.seed,
    )
    counted = {**mined.dropped, "drawn at random": random_ones}
    logger.info("round %d, left out of the negatives: %s", number + 1, counted)
    return rows, counted


def _mined(
    config: TeachConfig,
    relevance: Relevance,
    asked: Sequence[int],
    number: int,
    model: Any,
    path: Path,
) -> Mined:
    """Mine a round's negatives for the examples `asked`, or read those that are mined already."""
    if path.exists():
        saved = read_json(path)
        # A run that an older version began has no doubtful ones, and no use for them.
        lists = (saved["negatives"], saved.get("doubtful", []))
        negatives, doubtful = ([tuple(keys) for keys in one] for one in lists)
        return Mined(negatives, doubtful, saved["dropped"])
    parts: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    dropped: Counter[str] = Counter()
    for source in sorted(relevance.sources):
        numbers = [n for n in asked if relevance.examples[n].source == source]
        corpus = [p for key, p in relevance.passages.items() if key.startswith(f"{source}/")]
        if not numbers:
            continue
        folder = path.with_name(f"index-{source}")
        if number == 0:
            search = by_bm25(corpus, depth=config.depth)
        else:
            encoder = TokenEncoder(model, name=config.name)
            search = by_encoder(corpus, encoder, folder, depth=config.depth)
        part = mine(
            [relevance.examples[n] for n in numbers],
            relevance.passages,
            search,
            share=config.negative_share,
        )
        parts |= dict(zip(numbers, zip(part.negatives, part.doubtful, strict=True), strict=True))
        dropped.update(part.dropped)
        shutil.rmtree(folder, ignore_errors=True)
    mined = Mined([parts[n][0] for n in asked], [parts[n][1] for n in asked], dict(dropped))
    with replace_file(path) as temporary:
        temporary.write_text(json.dumps(asdict(mined)), encoding="utf-8")
    return mined
