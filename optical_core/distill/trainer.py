"""One distillation run: bitext in, student out, resumable at any moment."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset

from optical_core.data.bitext import Bitext, SentencePair
from optical_core.distill import ranks
from optical_core.distill.arguments import TASKS, column_prompts
from optical_core.distill.config import DistillConfig
from optical_core.distill.language_modelling import MaskedLanguageLoss, pieces_of
from optical_core.distill.loss import OpticalLoss
from optical_core.distill.monitor import DevMonitor
from optical_core.distill.objectives import OBJECTIVES
from optical_core.distill.other_backbone import TwoTokenizers, student_of
from optical_core.distill.ranked_passages import RankedPassages, english_sentences, rank_passages
from optical_core.distill.rarity import rarities
from optical_core.distill.run import Run, begun
from optical_core.distill.sampling import plan_batches
from optical_core.distill.student import (
    check_no_student,
    go_on_from,
    select_trainable,
    soften,
    start_pieces,
)
from optical_core.distill.teacher_vectors import shared_vectors
from optical_core.distill.training_bitext import load_bitext
from optical_core.errors import InputError
from optical_core.models.deltas import clone_model
from optical_core.models.pair_store import save_pair
from optical_core.models.pieces import move_pieces, own_pieces
from optical_core.models.teachers import open_shared
from optical_core.models.token_encoder import TokenEncoder

Batches = Sequence[Sequence[SentencePair]]

FITTED_SENTENCES = 2000
"""English sentences that fit another backbone to the teacher's space before training."""


def distill(config: DistillConfig, *, device: str | None = None, progress: bool = True) -> Path:
    """Train a student as configured and save it.

    An interrupted run with the same configuration resumes at its last checkpoint and reaches the
    same result as an uninterrupted one. A changed configuration needs another name.

    If `torchrun` or `accelerate launch` starts several processes, they share each batch and train
    the student that one process would train. Machines must share the home. See `ranks`.

    Args:
        config: names the student and its data.
        device: None for the best there is.
        progress: whether to show a bar.

    Returns:
        The student's folder under models/.

    Raises:
        InputError: the bitext is unreadable or overlaps a collection, the teacher is unknown, a run
            with other settings has the name, or the processes can't share the batch.

    Examples:
        >>> config = DistillConfig(name="mine", bitext=("demo",), steps=60)
        >>> distill(config).name  # doctest: +SKIP
        'mine'
    """
    with begun(config, "distil", device=device, progress=progress) as run:
        if ranks.count() > 1 and not OBJECTIVES[config.objective].teacher:
            raise InputError(
                f"the objective {config.objective} trains in one process, not {ranks.count()}"
            )
        if run.is_finished():
            return run.folder
        run.tell("reading the bitext")
        bitext = load_bitext(config)
        run.tell("loading the teacher")
        teacher, backbone = _encoders(config, device)
        run.claim()
        run.tell("planning the batches")
        batches = _batches(config, bitext, (backbone or teacher).model.tokenizer)
        run.tell("making the student")
        student = _student(config, teacher, backbone, bitext, batches)
        loss = _loss(config, student, teacher, batches, _ranked(run, batches, teacher))
        # A student of both sides encodes the dev collection's passages itself.
        average = run.average(student)
        dev = run.dev_monitor(student, average, teacher if config.sides == "queries" else None)
        rows = _rows(config, batches, student.tokenizer)
        trainer = run.trainer(
            student, rows, loss, [average, dev], **_reading(config, rows, student, teacher)
        )
        if backbone:
            trainer.data_collator = TwoTokenizers.of(trainer.data_collator, teacher)
        checkpoint = run.checkpoint()
        if dev and not checkpoint:
            dev.look(0)
        run.tell("at the first step")
        run.train(trainer, checkpoint)
        if average:
            average.apply()
        if ranks.rank() == 0:
            run.tell("saving the student")
            _save(run, bitext, teacher, backbone, student, dev)
        ranks.wait()
    return run.folder


def _encoders(
    config: DistillConfig, device: str | None
) -> tuple[TokenEncoder, TokenEncoder | None]:
    """Open the teacher, and the student's backbone if that is another encoder."""
    check_no_student("teacher", config.teacher)
    if config.backbone:
        check_no_student("backbone", config.backbone)
    teacher = open_shared(config.teacher, device=device)
    backbone = open_shared(config.backbone, device=device) if config.backbone else None
    if (config.plan_layer or 0) > teacher.layers:
        raise InputError(f"plan_layer goes from 0 to {teacher.layers}, got {config.plan_layer}")
    return teacher, backbone


def _student(
    config: DistillConfig,
    teacher: TokenEncoder,
    backbone: TokenEncoder | None,
    bitext: Bitext,
    batches: Batches,
) -> Any:
    """Make the modules that training starts from, and choose the parameters to train."""
    if backbone is None:
        student = clone_model(teacher)
    else:
        english = list(dict.fromkeys(pair.english for pair in bitext.pairs))
        drawn = random.Random(config.seed).sample(english, min(len(english), FITTED_SENTENCES))
        student = student_of(backbone, teacher, drawn)
    start_pieces(student, config)
    if config.pieces:
        read = ((pair.foreign, pair.english) for batch in batches for pair in batch)
        move_pieces(student, own_pieces(read, student.tokenizer, config.pieces))
    torch.manual_seed(config.seed)
    # Another backbone needs the layer that maps it to the teacher's space.
    select_trainable(student, config, head=backbone is not None)
    if config.start:
        go_on_from(student, config, teacher, backbone)
    return student


def _batches(config: DistillConfig, bitext: Bitext, tokenizer: Any) -> Batches:
    """Plan the pairs of every batch."""

    def lengths(pairs: Sequence[SentencePair]) -> list[int]:
        texts = [pair.foreign for pair in pairs]
        encoded = tokenizer(texts, truncation=True, max_length=config.max_tokens)
        return [len(ids) for ids in encoded["input_ids"]]

    return plan_batches(
        bitext.pairs,
        steps=config.steps * config.accumulate,
        batch_size=config.batch_size,
        seed=config.seed,
        temperature=config.sampling,
        english_share=config.english_share,
        lengths=lengths,
    )


def _ranked(
    run: Run[DistillConfig], batches: Batches, teacher: TokenEncoder
) -> RankedPassages | None:
    """Let the teacher rank the corpus for the English sentences, if there is a corpus."""
    if run.config.corpus is None:
        return None
    run.tell("ranking the corpus")
    sentences = english_sentences(pair for batch in batches for pair in batch)
    return rank_passages(run.config.corpus, list(sentences), teacher, count=run.config.ranked)


def _loss(
    config: DistillConfig,
    student: Any,
    teacher: TokenEncoder,
    batches: Batches,
    ranked: RankedPassages | None,
) -> OpticalLoss | MaskedLanguageLoss:
    if not OBJECTIVES[config.objective].teacher:
        texts = (text for batch in batches for p in batch for text in (p.foreign, p.english))
        pieces = pieces_of(texts, student.tokenizer)
        return MaskedLanguageLoss(student, pieces, objective=config.objective)
    # [MASK] expansion is switched on in a copy of the teacher, which itself stays unchanged.
    teaching = clone_model(teacher)
    if config.marginals == "mask-augmented":
        for model in (student, teaching):
            model[0].query_expansion = {"strategy": "min", "length": config.query_tokens}
    return OpticalLoss(
        student,
        teaching,
        store=shared_vectors(config, teacher, batches),
        objective=config.objective,
        transport=config.transport,
        plan_layer=config.plan_layer,
        score_weight=config.score_weight,
        temperature=config.temperature,
        rarity=None
        if config.masses == "even"
        else rarities(batches, student.tokenizer, teacher.model.tokenizer),
        ranked=ranked,
        by_ranking=config.masses == "ranking",
    )


def _rows(config: DistillConfig, batches: Batches, tokenizer: Any) -> Dataset:
    """Make the columns that the objective needs, for all batches."""
    pairs = [pair for batch in batches for pair in batch]
    columns = OBJECTIVES[config.objective].columns(scores=config.score_weight > 0)
    texts = {
        "foreign": lambda pair: pair.foreign,
        "english": lambda pair: pair.english,
        "both": lambda pair: f"{pair.foreign} {tokenizer.sep_token} {pair.english}",
        "passage": lambda pair: pair.english,
    }
    rows: dict[str, list] = {name: [texts[name](pair) for pair in pairs] for name in columns}
    if config.corpus:
        numbers = english_sentences(pairs)
        rows["label"] = [numbers[pair.english] for pair in pairs]
    return Dataset.from_dict(rows)


def _reading(
    config: DistillConfig, rows: Dataset, student: Any, teacher: TokenEncoder
) -> dict[str, Any]:
    """Say how the trainer reads the rows' columns."""
    return {
        "prompts": column_prompts(student, teacher) if config.prompts else {},
        "max_length": config.max_tokens * (2 if "both" in rows.column_names else 1),
        "tasks": TASKS,
    }


def _save(
    run: Run[DistillConfig],
    bitext: Bitext,
    teacher: TokenEncoder,
    backbone: TokenEncoder | None,
    student: Any,
    dev: DevMonitor | None,
) -> None:
    """Write the student, with the best dev step's weights, and the record of its training."""
    config = run.config
    if dev:
        dev.restore_best(student)
    if config.strength < 1:
        soften(student, teacher, config)
    student[0].query_expansion = None
    card = run.card(
        f"{'Query encoder' if config.sides == 'queries' else 'Encoder'} distilled from "
        f"`{config.teacher}` with the objective `{config.objective}`.",
        "bitext",
        {*bitext.languages, "en"},
        bitext.report(),
    )
    save_pair(
        run.folder,
        name=config.name,
        teacher=teacher,
        student_model=student,
        card=card,
        backbone=backbone,
        both=config.sides == "both",
    )
    data = {
        "hash": bitext.hash,
        "pairs": len(bitext),
        "languages": bitext.languages,
        "dropped": bitext.dropped,
    }
    run.finish(student, dev, bitext=data)
