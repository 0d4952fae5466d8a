"""One training on relevance: queries and passages in, a teacher out, resumable at any moment.

One encoder reads queries and passages, and both sides are trained. A round's negatives are written
before the round begins, and one schedule covers all rounds: an interrupted run resumes in the round
of its checkpoint.
"""

from __future__ import annotations

import logging
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from optical_core.checksums import check_files
from optical_core.data.overlap import evaluated_collections, guard_relevance, refuse_test_data
from optical_core.data.relevance import Relevance, read_relevance
from optical_core.distill import ranks
from optical_core.distill.checkpoints import load_trained, step_of
from optical_core.distill.monitor import DevMonitor
from optical_core.distill.projection import matched_directions
from optical_core.distill.relevance_batches import Row, plan_rows
from optical_core.distill.rounds import StopAt, rows_of_round
from optical_core.distill.run import Run, begun
from optical_core.distill.student import (
    check_no_student,
    load_trained_delta,
    select_trainable,
    soften,
)
from optical_core.distill.teach_config import TeachConfig
from optical_core.distill.teaching_losses import teaching_loss
from optical_core.errors import InputError
from optical_core.models.deltas import resized
from optical_core.models.info import read_teacher
from optical_core.models.teachers import open_shared, save_teacher, teacher_folder
from optical_core.models.token_encoder import TokenEncoder

logger = logging.getLogger(__name__)

PROJECTED_BY = 1000
"""Queries whose tokens choose the directions of a projection."""


def teach(config: TeachConfig, *, device: str | None = None, progress: bool = True) -> Path:
    """Train an encoder on relevance as configured and save it.

    An interrupted run with the same configuration resumes at its last checkpoint. A changed
    configuration needs another name.

    Args:
        config: names the teacher, its encoder and its data.
        device: None for the best there is.
        progress: whether to show a bar.

    Returns:
        The teacher's folder under models/.

    Raises:
        InputError: the relevance can't be read or is part of an evaluated collection, the encoder
            is unknown, or a run with other settings has the name.

    Examples:
        >>> config = TeachConfig(name="my-teacher", relevance=("scifact",))
        >>> teach(config).name  # doctest: +SKIP
        'my-teacher'
    """
    with begun(config, "teach", device=device, progress=progress) as run:
        if ranks.count() > 1 and config.patience:
            raise InputError(
                "patience is for a training in one process: leave it out, or the launcher"
            )
        if run.is_finished():
            return run.folder
        run.tell("reading the relevance")
        relevance = load_relevance(config)
        run.tell("loading the encoder")
        check_no_student("encoder", config.encoder)
        base = open_shared(config.encoder, device=device)
        run.claim()
        model = _model(run, base, relevance)
        batches = _batches(config, relevance)
        loss = teaching_loss(config, model, base.model)
        average = run.average(model)
        dev = run.dev_monitor(model, average, patience=config.patience)
        mined = []
        for number, end in enumerate(config.round_ends):
            checkpoint = run.checkpoint()
            if dev and dev.exhausted:
                break
            if checkpoint:
                load_trained(model, checkpoint, average)
            if config.negatives:
                run.tell(f"mining negatives, round {number + 1} of {config.rounds}")
            rows, left_out = rows_of_round(config, relevance, batches, number, model, run.work)
            mined.append(left_out)
            if checkpoint and step_of(checkpoint) >= end:
                continue
            monitors = [average, dev, StopAt(end)]
            trainer = run.trainer(model, rows, loss, monitors, **_reading(config, model))
            if dev and not checkpoint:
                dev.look(0)
            run.train(trainer, checkpoint)
        if average:
            average.apply()
        if ranks.rank() == 0:
            run.tell("saving the teacher")
            _save(run, relevance, base, model, dev, mined)
        ranks.wait()
    return run.folder


def load_relevance(config: TeachConfig) -> Relevance:
    """Read, join and check the run's relevance.

    Raises:
        InputError: it can't be read, is part of an evaluated collection, or leaves nothing to train
            on.
    """
    refuse_test_data(config.relevance)
    relevance = read_relevance(
        config.relevance, config.languages, pairs=config.pairs, seed=config.seed
    )
    evaluated = evaluated_collections(config.dev)
    relevance = guard_relevance(relevance, evaluated, drop=config.overlap == "drop")
    if config.objective != "contrastive":
        relevance = _scored(relevance, config)
    if not relevance.examples:
        raise InputError(f"nothing is left to train on: {relevance.report()}")
    logger.info("relevance: %s", relevance.report())
    return relevance


def _scored(relevance: Relevance, config: TeachConfig) -> Relevance:
    """Keep the examples with scores of enough passages."""
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


def _model(run: Run[TeachConfig], base: TokenEncoder, relevance: Relevance) -> Any:
    """Make the modules that training starts from: the encoder's, projected to `dimension`."""
    config = run.config
    dimension = config.dimension or base.dimension
    if dimension > base.dimension:
        raise InputError(
            f"dimension goes up to the encoder's {base.dimension}, got {config.dimension}"
        )
    directions = None
    if dimension < base.dimension and not (config.start or run.checkpoint()):
        run.tell("choosing the projection")
        directions = _directions(config, base, relevance, dimension)
    model = resized(base, dimension, directions).model
    torch.manual_seed(config.seed)
    select_trainable(model, config, head=True)
    if config.start:
        _go_on(model, config, base)
    return model


def _directions(
    config: TeachConfig, base: TokenEncoder, relevance: Relevance, dimension: int
) -> Tensor:
    """Choose the projection by a sample of the queries, each with a relevant passage."""
    count = min(PROJECTED_BY, len(relevance))
    examples = random.Random(config.seed).sample(relevance.examples, count)
    passages = [relevance.passages[example.positives[0]].full_text for example in examples]
    pairs = zip(
        base.encode([example.query for example in examples], "query", chunk=128),
        base.encode(passages, "passage", chunk=128),
        strict=True,
    )
    return matched_directions(pairs, base.dimension, dimension)


def _go_on(model: Any, config: TeachConfig, base: TokenEncoder) -> None:
    """Load the weights of the teacher named by `config.start`, where this training begins.

    Raises:
        InputError: it isn't a teacher, was taught from another encoder, or has vectors of another
            size or another kind of training.
    """
    name = str(config.start)
    folder = teacher_folder(name)
    if folder is None:
        raise InputError(f"start: {name!r} is no teacher: there is no training to go on from")
    info = read_teacher(folder)
    if info.base_hash != base.hash:
        raise InputError(f"start: {name!r} was taught from another encoder than {config.encoder!r}")
    if info.dimension != model.get_embedding_dimension():
        raise InputError(
            f"start: {name!r} has {info.dimension} dimensions: go on with as many (dimension)"
        )
    check_files(folder, info.files)
    load_trained_delta(model, folder, name, config)


def _batches(config: TeachConfig, relevance: Relevance) -> list[list[Row]]:
    """Plan the queries of every batch, of all rounds."""
    return plan_rows(
        relevance,
        batches=config.steps * config.accumulate,
        batch_size=config.batch_size,
        seed=config.seed,
        sampling=config.sampling,
    )


def _reading(config: TeachConfig, model: Any) -> dict[str, Any]:
    """Say how the trainer reads the rows' columns: with prompts, as in a search."""
    numbers = range(1, config.negatives + 2)
    numbered = (f"{kind}_{n}" for kind in ("negative", "passage") for n in numbers)
    passages = ["positive", *numbered, "doubtful"]
    prompts = {"query": model.prompts.get("query")}
    prompts |= {column: model.prompts.get("document") for column in passages}
    return {
        "prompts": {column: prompt for column, prompt in prompts.items() if prompt},
        "max_length": {"query": config.query_tokens, "document": config.passage_tokens},
        "tasks": {},
    }


def _save(
    run: Run[TeachConfig],
    relevance: Relevance,
    base: TokenEncoder,
    model: Any,
    dev: DevMonitor | None,
    mined: list[dict[str, int]],
) -> None:
    """Write the teacher, with the best dev step's weights, and the record of its training."""
    config = run.config
    if dev:
        dev.restore_best(model)
    if config.strength < 1:
        soften(model, base, config)
    model.eval()
    card = run.card(
        f"Encoder taught from `{config.encoder}` on relevance, objective `{config.objective}`.",
        "relevance",
        relevance.languages,
        relevance.report(),
    )
    save_teacher(run.folder, name=config.name, base=base, model=model, card=card)
    data = {
        "hash": relevance.hash,
        "queries": len(relevance),
        "sources": relevance.sources,
        "dropped": relevance.dropped,
    }
    run.finish(model, dev, relevance=data, negatives=mined)
