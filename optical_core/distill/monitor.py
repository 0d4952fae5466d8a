"""Monitors of a running training: CSV log, progress bar, dev-set MAP."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections import deque
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from transformers import TrainerCallback

from optical_core.analysis.metrics import mean_measures
from optical_core.data.collection import open_collection
from optical_core.distill.averaging import WeightAverage
from optical_core.distill.config import TrainingConfig
from optical_core.distill.logs import (
    TRAINING,
    Stage,
    asked_to_stop,
    read_log,
    write_log,
    write_stage,
)
from optical_core.distill.token_batch import ALARMS
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.weights import write_tensors
from optical_core.retrieval.maxsim import rank_in_memory
from optical_core.storage import replace_file

logger = logging.getLogger(__name__)

BEST = "best.safetensors"
"""Weights of the best dev step, with its figures in the file's metadata."""


TELL_EVERY = 2.0
"""Seconds between two reports of a training's progress."""
EARLY = (1, 2, 5)
"""Steps with a line of log.csv before the trainer's own: whoever watches needn't wait for ten."""
RECENT = 20
"""Steps whose mean duration says how long the others take."""


class ObservedLoss(Protocol):
    """A loss with its objective's name and figures of its last batch, `tokens` among them."""

    objective: str
    figures: dict[str, float]


class EarlyMonitor(TrainerCallback):
    """Asks for a log of the first steps and the last one, in every process: all share a loss."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        control.should_log |= state.global_step in (*EARLY, state.max_steps)


class LogMonitor(TrainerCallback):
    """Writes a line of log.csv every few steps, and shows a progress bar on stderr.

    A resumed run continues the file; lines later than its checkpoint are dropped.

    Args:
        path: of log.csv.
        loss: whose figures are written.
        progress: whether to show the bar.
        doing: the bar's text.
        dev: what measures MAP meanwhile; that takes time which no step takes.
    """

    def __init__(
        self,
        path: Path,
        loss: ObservedLoss,
        *,
        progress: bool,
        doing: str = "distil",
        dev: DevMonitor | None = None,
    ) -> None:
        self.path, self.loss, self.progress, self.doing = path, loss, progress, doing
        self.dev = dev
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._bar: Any = None
        self._alarms: dict[str, float] = {}
        self._tokens, self._since = 0.0, time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        from tqdm import tqdm

        self._rows = self._kept_rows(state.global_step)
        self._bar = tqdm(
            total=state.max_steps,
            initial=state.global_step,
            unit=" steps",
            desc=self.doing,
            disable=not self.progress,
        )
        self._since = self._ended = self._told = time.monotonic()
        self._first, self._looking = state.global_step, self._looked()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._bar.update(1)
        shares = args.gradient_accumulation_steps * args.world_size
        self._tokens += self.loss.figures.get("tokens", 0.0) * shares
        now = time.monotonic()
        done = state.global_step - self._first
        if done == 2:
            self._recent.clear()  # the first step is slower than the rest
        self._recent.append(now - self._ended - (self._looked() - self._looking))
        self._ended, self._looking = now, self._looked()
        if done == 1 or now - self._told >= TELL_EVERY:
            self._told = now
            stage = Stage(TRAINING, state.global_step, self._left(state, looked=False))
            write_stage(self.path.parent, stage)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if not logs or "loss" not in logs:
            return
        now = time.monotonic()
        speed = self._tokens / max(now - self._since, 1e-9)
        self._tokens, self._since = 0.0, now
        row = {
            "step": state.global_step,
            "tokens_per_second": round(speed),
            "seconds_left": round(self._left(state, looked=True)),
        }
        row |= {key: value for key, value in logs.items() if isinstance(value, float | int)}
        figures = {key: value for key, value in self.loss.figures.items() if key != "tokens"}
        alarms = {key: figures.pop(key) for key in ALARMS if key in figures}
        if alarms != self._alarms:  # a loss keeps them until it measures again
            self._alarms = alarms
            row |= alarms
        row |= figures
        self._rows.append({key: _short(value) for key, value in row.items()})
        write_log(self.path, self._rows)
        postfix = {"loss": f"{logs['loss']:.4f}", "tok/s": f"{speed:.0f}"}
        parts = {key: f"{value:.4f}" for key, value in logs.items() if key == self.loss.objective}
        self._bar.set_postfix(postfix | parts)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._bar.close()

    def _looked(self) -> float:
        """Seconds that measuring MAP has taken so far."""
        return self.dev.spent if self.dev else 0.0

    def _left(self, state: Any, *, looked: bool) -> float:
        """Estimate the seconds left: for the remaining steps, and for measuring MAP meanwhile.

        `looked` says whether the measurement after this step, if one is due, is done already.
        """
        each = sum(self._recent) / max(len(self._recent), 1)
        left = each * (state.max_steps - state.global_step)
        if self.dev:
            left += self.dev.seconds * self.dev.looks_left(
                state.global_step + looked, state.max_steps
            )
        return left

    def _kept_rows(self, step: int) -> list[dict[str, Any]]:
        return [row for row in read_log(self.path) if int(row["step"]) <= step]


class StopMonitor(TrainerCallback):
    """Ends a training after the present step, with a checkpoint, once its run is asked to stop."""

    def __init__(self, work: Path) -> None:
        self.work, self.stopped = work, False

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if asked_to_stop(self.work):
            self.stopped = control.should_save = control.should_training_stop = True


class DevMonitor(TrainerCallback):
    """Measures MAP on a collection while training, in dev.csv, and keeps the best step's weights.

    Args:
        work: the run's folder.
        config: names the collection, its languages and how often to measure.
        teacher: encodes the passages, once; None if `student` encodes them.
        student: the model in training.
        average: of its weights, which is then measured and kept in their place.
        patience: measurements without a gain after which training stops; None for never.
    """

    def __init__(
        self,
        work: Path,
        config: TrainingConfig,
        teacher: TokenEncoder | None,
        student: Any,
        average: WeightAverage | None = None,
        *,
        patience: int | None = None,
    ) -> None:
        self.every, self.patience = config.dev_every, patience
        self.average = average
        self.path = work / BEST
        self.log = work / "dev.csv"
        collection = open_collection(config.dev or "")
        passages = list(collection.passages())
        self.ids = [passage.id for passage in passages]
        self.texts = [passage.full_text for passage in passages]
        self.vectors = teacher.encode_passages(self.texts) if teacher else None
        languages = collection.select_or_all(config.dev_languages)
        self.queries, self.qrels = {}, {}
        for code in languages:
            texts, qrels = collection.queries(code), collection.qrels(code)
            judged = sorted(qrels)[: config.dev_queries]
            self.queries[code] = {query: texts[query] for query in judged}
            self.qrels[code] = {query: qrels[query] for query in judged}
        self.student = TokenEncoder(student, name="student")
        self.seconds = self.spent = 0.0
        """What the last measurement took, and all of them."""
        self.best: dict[str, float] | None = None
        if self.path.exists():
            try:
                with safe_open(self.path, "pt") as file:
                    self.best = json.loads(file.metadata()["figures"])
            except (SafetensorError, KeyError, TypeError, ValueError) as error:
                logger.warning("%s is damaged (%s): the best step is chosen anew", self.path, error)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._is_due(state.global_step, state.max_steps):
            self.look(state.global_step)
            if self.exhausted:
                control.should_training_stop = control.should_save = True

    def _is_due(self, step: int, steps: int) -> bool:
        return step % self.every == 0 or step == steps

    def looks_left(self, step: int, steps: int) -> int:
        """Count the measurements after this step and later ones."""
        return sum(self._is_due(each, steps) for each in range(step, steps + 1))

    @property
    def exhausted(self) -> bool:
        """Whether `patience` measurements have followed the best one."""
        if self.patience is None or self.best is None:
            return False
        since = [row for row in read_log(self.log) if int(row["step"]) > self.best["step"]]
        return len(since) >= self.patience

    def look(self, step: int) -> None:
        """Measure, and keep the weights if they are the best so far.

        Step 0 is the undistilled encoder: a run without any gain returns it.
        """
        with self.average.applied() if self.average else contextlib.nullcontext():
            self._look(step)

    def _look(self, step: int) -> None:
        begin = time.monotonic()
        by_language = self.measure()
        self.seconds = time.monotonic() - begin
        self.spent += self.seconds
        mean = sum(by_language.values()) / len(by_language)
        values = ", ".join(f"{code} {value:.3f}" for code, value in by_language.items())
        logger.info("step %d: dev MAP %.4f (%s)", step, mean, values)
        self._write(step, {"mean": mean, **by_language})
        if self.best is None or mean > self.best["mean"]:
            self.best = {"step": step, "mean": mean, **by_language}
            tensors = {
                name: parameter.detach().cpu().contiguous()
                for name, parameter in self.student.model.named_parameters()
                if parameter.requires_grad
            }
            with replace_file(self.path) as temporary:
                write_tensors(temporary, tensors, figures=json.dumps(self.best))
        self.student.model.train()

    def _write(self, step: int, values: dict[str, float]) -> None:
        rows = [row for row in read_log(self.log) if int(row["step"]) < step]
        rows.append({"step": step, **{key: _short(value) for key, value in values.items()}})
        write_log(self.log, rows)

    def measure(self) -> dict[str, float]:
        """Measure the student's present MAP in each dev language."""
        by_language = {}
        self.student.model.eval()
        passages = self.vectors or self.student.encode_passages(self.texts)
        for code, texts in self.queries.items():
            vectors = self.student.encode_queries(list(texts.values()))
            run = rank_in_memory(list(texts), vectors, self.ids, passages, top=1000)
            by_language[code] = mean_measures(run, self.qrels[code], ["AP"])["AP"]
        return by_language

    def restore_best(self, student: torch.nn.Module) -> None:
        """Restore the best step's weights."""
        if self.best is not None:
            student.load_state_dict(load_file(self.path), strict=False)
            logger.info("best dev MAP %.4f at step %d", self.best["mean"], self.best["step"])


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
