"""One training on relevance: queries and passages in, a teacher out, resumable at any moment.

Both sides are the encoder's own, and both are trained. What a round mines is written before the
round begins, and one schedule runs through all rounds: a run that was cut off goes on in the round
that its checkpoint is of.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from optical_core.data.collection import installed_collections, open_collection
from optical_core.data.overlap import guard_relevance, refuse_test_data
from optical_core.data.records import write_record
from optical_core.data.relevance import Relevance, read_relevance
from optical_core.distill import ranks
from optical_core.distill.arguments import on_cpu, remove_library_callbacks, training_arguments
from optical_core.distill.checkpoints import (
    ResumableTrainer,
    last_complete_checkpoint,
    load_trained,
    remove_checkpoints,
)
from optical_core.distill.monitor import DevMonitor, LogMonitor
from optical_core.distill.projection import random_directions
from optical_core.distill.randomness import own_random_numbers
from optical_core.distill.relevance_batches import plan_rows
from optical_core.distill.rounds import StopAt, round_ends, rows_of_round
from optical_core.distill.runs import claim, finished
from optical_core.distill.student import select_trainable
from optical_core.distill.teach_config import TeachConfig
from optical_core.distill.teaching_losses import teaching_loss
from optical_core.errors import InputError
from optical_core.models.cards import ModelCard
from optical_core.models.deltas import resized
from optical_core.models.precision import training_precision
from optical_core.models.teachers import open_shared, save_teacher
from optical_core.models.token_encoder import TokenEncoder
from optical_core.storage import exclusive, home

logger = logging.getLogger(__name__)


def teach(config: TeachConfig, *, device: str | None = None, progress: bool = True) -> Path:
    """Train an encoder on relevance as configured and save it; returns its folder under models/.

    Interrupted, it goes on from its last checkpoint if the configuration is the same; a changed one
    must have another name.

    Raises InputError: relevance that can't be read, or is part of an evaluated collection, an
    unknown encoder, or a name that is taken by a run with other settings.
    """
    ranks.join(cpu=on_cpu(device))
    _check_ranks(config)
    work = home("runs", config.name)
    alone = exclusive(work) if ranks.rank() == 0 else contextlib.nullcontext()
    with alone, own_random_numbers():
        return _teach(config, home("models", config.name), work, device, progress)


def load_relevance(config: TeachConfig) -> Relevance:
    """Read, join and check the run's relevance: nothing of an evaluated collection."""
    refuse_test_data(config.relevance)
    relevance = read_relevance(
        config.relevance, config.languages, pairs=config.pairs, seed=config.seed
    )
    collections = installed_collections()
    if config.dev:
        collections.append(open_collection(config.dev))
    relevance = guard_relevance(relevance, collections, drop=config.overlap == "drop")
    if config.objective != "contrastive":
        relevance = _scored(relevance, config)
    if not relevance.examples:
        raise InputError(f"nothing is left to train on: {relevance.report()}")
    return relevance


def _scored(relevance: Relevance, config: TeachConfig) -> Relevance:
    """The examples with scores of enough passages."""
    if not relevance.scored:
        raise InputError(
            f"the objective {config.objective} needs passages with scores, as ColBERTv2's and "
            "PyLate's files have; without them the objective is contrastive"
        )
    kept = tuple(e for e in relevance.examples if len(e.negatives) >= config.negatives)
    dropped = dict(relevance.dropped)
    if few := len(relevance) - len(kept):
        dropped[f"fewer than {config.negatives + 1} scored passages"] = few
    return replace(relevance, examples=kept, dropped=dropped)


def _check_ranks(config: TeachConfig) -> None:
    processes = ranks.count()
    if config.batch_size % processes:
        raise InputError(
            f"{processes} processes cannot share a batch of {config.batch_size} queries evenly: "
            f"choose a batch_size that is a multiple of {processes}, or other processes"
        )
    if processes > 1 and config.patience:
        raise InputError("patience is for a training in one process: leave it out, or the launcher")


def _teach(
    config: TeachConfig, folder: Path, work: Path, device: str | None, progress: bool
) -> Path:
    if ranks.once(lambda: finished(work, folder, config)):
        logger.info("%s is taught already; another --name teaches anew", config.name)
        ranks.once(lambda: remove_checkpoints(work))
        return folder
    relevance = load_relevance(config)
    logger.info("relevance: %s", relevance.report())
    base = open_shared(config.encoder, device=device)
    # Only now: a run that cannot start must not take the name.
    ranks.once(lambda: claim(work, folder, config))
    model = _start(config, base)
    torch.manual_seed(config.seed)
    select_trainable(model, config, head=True)
    batches = plan_rows(
        relevance,
        batches=config.steps * config.accumulate,
        batch_size=config.batch_size,
        seed=config.seed,
        sampling=config.sampling,
    )
    loss = teaching_loss(config, model)
    monitors: list[Any] = []
    dev = None
    if ranks.rank() == 0:
        monitors.append(LogMonitor(work / "log.csv", loss, progress=progress, doing="teach"))
    if config.dev and ranks.rank() == 0:
        dev = DevMonitor(work, config, None, model, patience=config.patience)
        monitors.append(dev)
    arguments = training_arguments(
        config,
        work,
        device,
        prompts=_prompts(model, config.negatives),
        max_length={"query": config.query_tokens, "document": config.passage_tokens},
        tasks={},
    )
    mined = []
    for number, end in enumerate(round_ends(config)):
        checkpoint = ranks.once(lambda: last_complete_checkpoint(work))
        if dev is not None and dev.exhausted:
            break
        if checkpoint:
            load_trained(model, checkpoint)
        rows, found = rows_of_round(config, relevance, batches, number, model, work)
        mined.append(found)
        if checkpoint and int(checkpoint.rpartition("-")[2]) >= end:
            continue
        trainer = ResumableTrainer(
            model=model,
            args=arguments,
            train_dataset=rows,
            loss=loss,
            callbacks=[*monitors, StopAt(end)],
        )
        remove_library_callbacks(trainer)
        trainer.train(resume_from_checkpoint=checkpoint)
    if ranks.rank() == 0:
        _write(folder, config, relevance, base, model, dev, mined)
        remove_checkpoints(work)
    ranks.wait()
    return folder


def _start(config: TeachConfig, base: TokenEncoder) -> Any:
    """The modules that training starts from: the encoder's, its vectors turned and cut to size."""
    dimension = config.dimension or base.dimension
    if dimension > base.dimension:
        raise InputError(
            f"dimension goes up to the encoder's {base.dimension}, got {config.dimension}"
        )
    if dimension == base.dimension:
        return resized(base, dimension).model
    directions = random_directions(base.dimension, dimension, seed=config.seed)
    return resized(base, dimension, directions).model


def _prompts(model: Any, negatives: int) -> dict[str, str]:
    """Column -> prompt, as when the encoder searches: the trainer adds none of itself."""
    others = range(1, negatives + 2)
    passages = ["positive", *(f"{kind}_{n}" for kind in ("negative", "passage") for n in others)]
    found = {"query": model.prompts.get("query")}
    found |= {column: model.prompts.get("document") for column in passages}
    return {column: prompt for column, prompt in found.items() if prompt}


def _write(
    folder: Path,
    config: TeachConfig,
    relevance: Relevance,
    base: TokenEncoder,
    model: Any,
    dev: DevMonitor | None,
    mined: list[dict[str, int]],
) -> None:
    """Write the taught encoder, at its best dev step, and the record of its training."""
    if dev is not None:
        dev.restore_best(model)
    model.eval()
    recipe = config.model_dump(exclude={"name", "relevance", "languages", "licence"})
    card = ModelCard(
        summary=f"Encoder taught from `{config.encoder}` on relevance, objective "
        f"`{config.objective}`.",
        languages=tuple(sorted(relevance.languages)),
        data=(*(path.strip("./") for path in config.relevance), relevance.report()),
        licence=config.licence,
        recipe=recipe,
    )
    save_teacher(folder, name=config.name, base=base, model=model, card=card)
    record = {
        "config": config.model_dump(),
        "relevance": {
            "hash": relevance.hash,
            "queries": len(relevance),
            "sources": relevance.sources,
            "dropped": relevance.dropped,
        },
        "negatives": mined,
        "precision": training_precision(config.bf16, model.device),
        "dev_map": dev.best if dev else None,
    }
    write_record(folder / "record.json", record)
