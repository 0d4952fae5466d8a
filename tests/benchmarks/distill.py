"""One training step on 32 pairs of about 24 tokens, in sentence-transformers' trainer.

Forward, backward and the optimiser's step are timed; tokenising isn't. Ours trains as `optical
distill` does by default (LoRA, bf16). The peer is the library with its defaults: AdamW on every
weight in fp32, with its own distillation loss on the same pairs (a foreign query, its English
sentence, and another English sentence as the negative).
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from datasets import Dataset
from sentence_transformers import MultiVectorEncoderTrainer, MultiVectorEncoderTrainingArguments
from sentence_transformers.multi_vector_encoder.losses import MultiVectorDistillKLDivLoss
from transformers import TrainerCallback

from optical_core.data.bitext import SentencePair
from optical_core.distill import objectives
from optical_core.distill import trainer as training
from optical_core.distill.arguments import (
    remove_library_callbacks,
    training_arguments,
)
from optical_core.distill.checkpoints import ResumableTrainer
from optical_core.distill.config import DistillConfig
from optical_core.distill.student import select_trainable
from optical_core.distill.teacher_vectors import Entry, KeptVectors
from optical_core.models.backbones import open_encoder
from optical_core.models.deltas import clone_model
from tests.benchmarks.timing import Row, Timing
from tests.benchmarks.translations import demo_pairs, encoder

PACKAGES = ("torch", "transformers", "sentence-transformers", "peft")
BATCH = 32
TOKENS = 24


class _Forgetful(KeptVectors):
    """Keeps nothing: the teacher encodes every batch."""

    def put(self, key: bytes, entry: Entry) -> None: ...


class _Steps(TrainerCallback):
    """Seconds of each training's steps; the first is warm-up and isn't counted."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.counts = state.global_step > 0
        self.began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.counts:
            self.seconds.append(time.perf_counter() - self.began)

    def timing(self, batches: int = 1) -> Timing:
        """Return the milliseconds of `batches` steps."""
        times = [1e3 * batches * seconds for seconds in self.seconds]
        return Timing(statistics.median(times), min(times), max(times))


def rows(quick: bool) -> Iterator[Row]:
    rounds, steps = (1, 2) if quick else (4, 3)
    pairs = _about(TOKENS, demo_pairs(2000))
    kept, encoded, alone, theirs = "kept", "encoded", "one pair a step", "library's default"
    spent: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        trainers = {
            kept: _ours(pairs, work, steps, KeptVectors()),
            encoded: _ours(pairs, work, steps, _Forgetful()),
            alone: _ours(pairs, work, 4 * steps, KeptVectors(), batch_size=1),
            theirs: _default(pairs, work, steps),
        }
        timers = {name: _Steps() for name in trainers}
        for name, trainer in trainers.items():
            trainer.add_callback(timers[name])
        for _ in range(rounds):
            for name, trainer in trainers.items():
                with mock.patch.object(objectives, "solve", _timed(spent, name == kept)):
                    trainer.train()
    # The median, because the very first plan waits for POT's import.
    share = statistics.median(spent) / statistics.median(timers[kept].seconds)
    peers = {
        "sentence-transformers, all weights in fp32": timers[theirs].timing(),
        "ours, one pair a step": timers[alone].timing(BATCH),
    }
    timing, slower = timers[kept].timing(), timers[encoded].timing()
    quality = {
        "times faster than one pair a step": timers[alone].timing(BATCH).median / timing.median,
        "share of transport": share,
    }
    case = f"a step, {BATCH} pairs of about {TOKENS} tokens"
    yield Row("distill", f"{case}, teacher's vectors kept", timing, peers, quality)
    yield Row("distill", f"{case}, teacher's vectors encoded", slower, peers)


def _about(tokens: int, pairs: list[SentencePair]) -> list[SentencePair]:
    """Choose a batch of pairs whose foreign side has close to that many tokens."""
    counts = encoder().model.tokenizer([pair.foreign for pair in pairs])["input_ids"]
    order = sorted(range(len(pairs)), key=lambda place: abs(len(counts[place]) - tokens))
    return [pairs[place] for place in order[:BATCH]]


def _timed(spent: list[float], counted: bool) -> Any:
    solve = objectives.solve

    def timed(*arguments: Any, **options: Any) -> Any:
        began = time.perf_counter()
        solution = solve(*arguments, **options)
        if counted:
            spent.append(time.perf_counter() - began)
        return solution

    return timed


def _ours(
    pairs: list[SentencePair], work: Path, steps: int, store: KeptVectors, batch_size: int = BATCH
) -> Any:
    """Build the trainer as `distill` does with default settings, with the same pairs each step."""
    config = DistillConfig(
        name="benchmark", bitext=("demo",), batch_size=batch_size, steps=1 + steps
    )
    teacher = encoder()
    student = clone_model(teacher)
    select_trainable(student, config)
    batches = [pairs[:batch_size]] * config.steps
    loss: Any = training._loss(config, student, teacher, batches)
    loss._teacher.store = store
    rows = training._rows(config, batches, student.tokenizer)
    arguments = training_arguments(
        config,
        work,
        "cpu",
        **training._reading(config, rows, student, teacher),
    )
    arguments.save_strategy = "no"
    trainer = ResumableTrainer(
        model=student,
        args=arguments,
        train_dataset=rows,
        loss=loss,
    )
    remove_library_callbacks(trainer)
    return trainer


def _default(pairs: list[SentencePair], work: Path, steps: int) -> Any:
    model = open_encoder("embedded", device="cpu")
    english = [pair.english for pair in pairs]
    columns = {
        "query": [pair.foreign for pair in pairs],
        "positive": english,
        "negative": english[1:] + english[:1],
        # The scores don't affect the time.
        "label": [[10.0, 5.0]] * len(pairs),
    }
    trainer = MultiVectorEncoderTrainer(
        model=model,
        args=MultiVectorEncoderTrainingArguments(
            output_dir=str(work),
            max_steps=1 + steps,
            per_device_train_batch_size=BATCH,
            use_cpu=True,
            prompts={
                "query": model.prompts["query"],
                "positive": model.prompts["document"],
                "negative": model.prompts["document"],
            },
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_dict(columns),
        loss=MultiVectorDistillKLDivLoss(model),
    )
    remove_library_callbacks(trainer)
    return trainer
