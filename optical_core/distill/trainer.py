"""One distillation run: bitext in, student out, resumable at any moment."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset

from optical_core.data.allowance import COMMAND, Allowance, allowed
from optical_core.data.bitext import Bitext, SentencePair, read_bitexts
from optical_core.data.collection import installed_collections, open_collection
from optical_core.data.overlap import guard_overlap, refuse_benchmarks
from optical_core.data.records import write_record
from optical_core.distill import ranks
from optical_core.distill.arguments import (
    column_prompts,
    on_cpu,
    remove_library_callbacks,
    training_arguments,
)
from optical_core.distill.checkpoints import (
    ResumableTrainer,
    last_complete_checkpoint,
    remove_checkpoints,
)
from optical_core.distill.config import DistillConfig
from optical_core.distill.language_modelling import MaskedLanguageLoss, pieces_of
from optical_core.distill.logs import Stage, write_stage
from optical_core.distill.loss import OpticalLoss
from optical_core.distill.monitor import DevMonitor, LogMonitor
from optical_core.distill.objectives import OBJECTIVES
from optical_core.distill.other_backbone import TwoTokenizers, student_of
from optical_core.distill.randomness import own_random_numbers
from optical_core.distill.runs import claim, finished
from optical_core.distill.sampling import first_pairs, plan_batches
from optical_core.distill.student import go_on_from, select_trainable, soften
from optical_core.distill.teacher_vectors import KeptVectors, shared_vectors
from optical_core.errors import InputError
from optical_core.models.cards import ModelCard
from optical_core.models.deltas import clone_model
from optical_core.models.pair_store import save_pair
from optical_core.models.precision import precision, training_precision
from optical_core.models.teachers import open_shared
from optical_core.models.token_encoder import TokenEncoder
from optical_core.storage import assets, exclusive, home

logger = logging.getLogger(__name__)

TASKS = {"foreign": "query", "english": "query", "both": "query", "passage": "document"}
"""Column -> what the encoders read it as."""
FITTED_SENTENCES = 2000
"""English sentences on which a student's own backbone is first brought into the teacher's space."""


def distill(config: DistillConfig, *, device: str | None = None, progress: bool = True) -> Path:
    """Train a student as configured and save it; returns its folder under models/.

    A run that was interrupted goes on from its last checkpoint, to the same result as one that
    wasn't, if the configuration is the same; a changed one must have another name.

    Started by `torchrun` or `accelerate launch`, the processes share each batch and train the
    student that one would; machines must share the home. See `ranks`.

    Raises InputError: unreadable or overlapping bitext, an unknown teacher, a name that is taken by
    a run with other settings, or a batch that the processes can't share.
    """
    ranks.join(cpu=on_cpu(device))
    _check_ranks(config, device)
    work = home("runs", config.name)
    # A launcher that is killed leaves its processes running: they must not write beside new ones.
    alone = exclusive(work) if ranks.rank() == 0 else contextlib.nullcontext()
    with alone, own_random_numbers():
        return _distill(config, home("models", config.name), work, device, progress)


def _distill(
    config: DistillConfig, folder: Path, work: Path, device: str | None, progress: bool
) -> Path:
    if ranks.once(lambda: finished(work, folder, config)):
        logger.info("%s is trained already; another --name trains anew", config.name)
        ranks.once(lambda: remove_checkpoints(work))
        return folder
    stage = partial(_stage, work)
    stage("reading the bitext")
    bitext = load_bitext(config)
    logger.info("bitext: %s", bitext.report())
    stage("loading the teacher")
    teacher = open_shared(config.teacher, device=device)
    backbone = open_shared(config.backbone, device=device) if config.backbone else None
    if (config.plan_layer or 0) > teacher.layers:
        raise InputError(f"plan_layer goes from 0 to {teacher.layers}, got {config.plan_layer}")
    # Only now: a run that cannot start must not take the name.
    ranks.once(lambda: claim(work, folder, config))
    stage("making the student")
    student = _student(config, teacher, backbone, bitext)
    torch.manual_seed(config.seed)
    # Another backbone needs the layer that brings it into the teacher's space.
    select_trainable(student, config, head=backbone is not None)
    if config.start:
        go_on_from(student, config, teacher, backbone)

    stage("planning the batches")
    batches = plan_batches(
        bitext.pairs,
        steps=config.steps * config.accumulate,
        batch_size=config.batch_size,
        seed=config.seed,
        temperature=config.sampling,
        english_share=config.english_share,
        lengths=lambda pairs: _token_counts(pairs, student.tokenizer, config.max_tokens),
    )
    loss = _loss(config, student, teacher, batches)
    monitors: list[Any] = []
    dev = None
    if ranks.rank() == 0:
        monitors.append(LogMonitor(work / "log.csv", loss, progress=progress))
    if config.dev and ranks.rank() == 0:
        stage("encoding the dev collection")
        dev = DevMonitor(work, config, teacher, student)
        monitors.append(dev)
    prompts = column_prompts(student, teacher) if config.prompts else {}
    rows = _dataset(batches, config, student.tokenizer)
    trainer = ResumableTrainer(
        model=student,
        args=training_arguments(
            config,
            work,
            device,
            prompts=prompts,
            max_length=config.max_tokens * (2 if "both" in rows.column_names else 1),
            tasks=TASKS,
        ),
        train_dataset=rows,
        loss=loss,
        callbacks=monitors,
    )
    if backbone:
        trainer.data_collator = _collator(trainer, teacher)
    remove_library_callbacks(trainer)
    stage("at the first step")
    trainer.train(resume_from_checkpoint=ranks.once(lambda: last_complete_checkpoint(work)))
    if ranks.rank() == 0:
        stage("saving the student")
        _write_student(folder, config, bitext, teacher, student, backbone, dev)
        remove_checkpoints(work)
    ranks.wait()
    return folder


def _stage(work: Path, doing: str) -> None:
    """Say what the run is doing, for those who look at it from outside."""
    if ranks.rank() == 0:
        write_stage(work, Stage(doing))


def _write_student(
    folder: Path,
    config: DistillConfig,
    bitext: Bitext,
    teacher: TokenEncoder,
    student: Any,
    backbone: TokenEncoder | None,
    dev: DevMonitor | None,
) -> None:
    """Write the trained student, at its best dev step, and the record of its training."""
    if dev is not None:
        dev.restore_best(student)
    if config.strength < 1:
        soften(student, teacher, config)
    student[0].query_expansion = None
    record = {
        "config": config.model_dump(),
        "bitext": {
            "hash": bitext.hash,
            "pairs": len(bitext),
            "languages": bitext.languages,
            "dropped": bitext.dropped,
        },
        "precision": training_precision(config.bf16, student.device),
        "dev_map": dev.best if dev else None,
    }
    save_pair(
        folder,
        name=config.name,
        teacher=teacher,
        student_model=student,
        card=_card(config, bitext),
        backbone=backbone,
    )
    write_record(folder / "record.json", record)


def _check_ranks(config: DistillConfig, device: str | None) -> None:
    """Can the processes share this training?"""
    processes = ranks.count()
    if processes == 1:
        return
    if config.batch_size % processes:
        raise InputError(
            f"{processes} processes cannot share a batch of {config.batch_size} pairs evenly: "
            f"choose a batch_size that is a multiple of {processes}, or other processes"
        )
    if not OBJECTIVES[config.objective].teacher:
        raise InputError(f"the objective {config.objective} trains in one process, not {processes}")
    if device not in (None, "cpu", "cuda"):
        raise InputError(f"each process has a GPU of its own: leave --device {device} out")


def _student(
    config: DistillConfig, teacher: TokenEncoder, backbone: TokenEncoder | None, bitext: Bitext
) -> Any:
    """The modules that training starts from."""
    if backbone is None:
        return clone_model(teacher)
    english = list(dict.fromkeys(pair.english for pair in bitext.pairs))
    drawn = random.Random(config.seed).sample(english, min(len(english), FITTED_SENTENCES))
    return student_of(backbone, teacher, drawn)


def _collator(trainer: ResumableTrainer, teacher: TokenEncoder) -> TwoTokenizers:
    """The trainer's own, but for the teacher's columns."""
    made = trainer.data_collator
    return TwoTokenizers(
        made.preprocess_fn,
        made.valid_label_columns,
        made.router_mapping,
        made.prompts,
        made.max_length,
        teacher_preprocess=teacher.model.preprocess,
    )


def _loss(
    config: DistillConfig,
    student: Any,
    teacher: TokenEncoder,
    batches: Sequence[Sequence[SentencePair]],
) -> OpticalLoss | MaskedLanguageLoss:
    if not OBJECTIVES[config.objective].teacher:
        texts = (text for batch in batches for p in batch for text in (p.foreign, p.english))
        pieces = pieces_of(texts, student.tokenizer)
        return MaskedLanguageLoss(student, pieces, objective=config.objective)
    # The teacher's [MASK] expansion is switched on in a copy: the teacher itself stays as it is.
    teaching = clone_model(teacher)
    if config.marginals == "mask-augmented":
        for model in (student, teaching):
            model[0].query_expansion = {"strategy": "min", "length": config.query_tokens}
    return OpticalLoss(
        student,
        teaching,
        store=_store(config, teacher, batches),
        objective=config.objective,
        transport=config.transport,
        plan_layer=config.plan_layer,
        score_weight=config.score_weight,
        temperature=config.temperature,
    )


def _store(
    config: DistillConfig, teacher: TokenEncoder, batches: Sequence[Sequence[SentencePair]]
) -> KeptVectors:
    """The teacher's vectors, shared with trainings on just the same batches.

    On others a sentence has other neighbours and padding, which moves its last digits: a study
    that was killed and goes on in a new process must come to the same numbers.
    """
    digest = hashlib.blake2b(digest_size=8)
    for batch in batches:
        for pair in batch:
            digest.update(f"{pair.foreign}\0{pair.english}\0".encode())
    device = teacher.model.device
    length = config.query_tokens if config.marginals == "mask-augmented" else None
    read = (config.prompts, config.max_tokens, length, config.plan_layer)
    return shared_vectors((teacher.hash, str(device), precision(device), read, digest.hexdigest()))


def load_bitext(config: DistillConfig, given: Allowance = COMMAND) -> Bitext:
    """Read, join and check the run's bitext: no benchmark, nothing of an installed collection.

    given: what reading it may cost.
    """
    refuse_benchmarks(config.bitext)
    paths = [assets("demo", "bitext.tsv") if p == "demo" else Path(p) for p in config.bitext]
    with allowed(given):
        bitext = read_bitexts(paths, config.languages or None)
    collections = installed_collections()
    if config.dev:
        collections.append(open_collection(config.dev))
    bitext = guard_overlap(bitext, collections, drop=config.overlap == "drop")
    if config.pairs is None:
        return bitext
    return Bitext(first_pairs(bitext.pairs, config.pairs, seed=config.seed), bitext.dropped)


def _dataset(
    batches: Sequence[Sequence[SentencePair]], config: DistillConfig, tokenizer: Any
) -> Dataset:
    """The columns that the objective needs, of all batches."""
    pairs = [pair for batch in batches for pair in batch]
    columns = OBJECTIVES[config.objective].columns(scores=config.score_weight > 0)
    texts = {
        "foreign": lambda pair: pair.foreign,
        "english": lambda pair: pair.english,
        "both": lambda pair: f"{pair.foreign} {tokenizer.sep_token} {pair.english}",
        "passage": lambda pair: pair.english,
    }
    return Dataset.from_dict({name: [texts[name](pair) for pair in pairs] for name in columns})


def _token_counts(pairs: Sequence[SentencePair], tokenizer: Any, limit: int) -> list[int]:
    encoded = tokenizer([pair.foreign for pair in pairs], truncation=True, max_length=limit)
    return [len(ids) for ids in encoded["input_ids"]]


def _card(config: DistillConfig, bitext: Bitext) -> ModelCard:
    recipe = config.model_dump(exclude={"name", "bitext", "languages", "licence"})
    return ModelCard(
        summary=f"Query encoder distilled from `{config.teacher}` with the objective "
        f"`{config.objective}`.",
        languages=tuple(sorted({*bitext.languages, "en"})),
        data=(*(path.strip("./") for path in config.bitext), bitext.report()),
        licence=config.licence,
        recipe=recipe,
    )
