"""A training and its name: the common part of `distill` and `teach`."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from datasets import Dataset
from transformers import TrainerCallback

from optical_core.data.lines import read_json
from optical_core.data.records import write_record
from optical_core.distill import ranks
from optical_core.distill.arguments import on_cpu, remove_library_callbacks, training_arguments
from optical_core.distill.averaging import WeightAverage
from optical_core.distill.checkpoints import (
    ResumableTrainer,
    last_complete_checkpoint,
    remove_checkpoints,
)
from optical_core.distill.config import TrainingConfig
from optical_core.distill.logs import (
    CONFIG,
    LOG,
    STAGE,
    Stage,
    TrainingStoppedError,
    forget_stop,
    write_stage,
)
from optical_core.distill.monitor import DevMonitor, EarlyMonitor, LogMonitor, StopMonitor
from optical_core.distill.randomness import own_random_numbers
from optical_core.errors import InputError
from optical_core.models.cards import ModelCard
from optical_core.models.precision import training_precision
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.model_names import new_model_folder
from optical_core.storage import exclusive, home, replace_file, writable

logger = logging.getLogger(__name__)

Config = TypeVar("Config", bound=TrainingConfig)


@dataclass(frozen=True)
class Run(Generic[Config]):
    """A training: its settings, its working folder, and the folder of its model.

    Every rank has one and takes the same steps; only rank 0 writes.

    Attributes:
        config: the settings.
        doing: the progress bar's text.
        work: `runs/NAME`, with its log and its checkpoints.
        folder: `models/NAME`, the result.
        device: None for the default device.
        progress: whether there is a progress bar.
    """

    config: Config
    doing: str
    work: Path
    folder: Path
    device: str | None
    progress: bool

    def tell(self, doing: str) -> None:
        """Write down what the run is doing, for the page that watches it."""
        if ranks.rank() == 0:
            write_stage(self.work, Stage(doing))

    def is_finished(self) -> bool:
        """Tell whether the model exists and was trained with these settings."""
        return ranks.once(self._is_finished)

    def _is_finished(self) -> bool:
        path = self.work / CONFIG
        same = path.exists() and self.config.is_saved_as(read_json(path))
        if not (same and (self.folder / "record.json").exists()):
            return False
        logger.info("%s is trained already; another --name trains anew", self.config.name)
        remove_checkpoints(self.work)
        return True

    def claim(self) -> None:
        """Take the name; called late, because a run that can't start must not take it.

        Raises:
            InputError: a run with other settings, or another model, has the name.
        """
        ranks.once(self._claim)

    def _claim(self) -> None:
        name, path = self.config.name, self.work / CONFIG
        if path.exists() and not self.config.is_saved_as(read_json(path)):
            raise InputError(
                f"a run {name!r} with other settings exists in {self.work}; choose another --name, "
                "or remove that folder to start again"
            )
        if any(self.folder.glob("*")) and not path.exists():
            raise InputError(f"a model {name!r} exists in {self.folder}; choose another --name")
        with replace_file(path) as temporary:
            text = json.dumps(self.config.model_dump(), indent=2, ensure_ascii=False) + "\n"
            temporary.write_text(text, encoding="utf-8")

    def release(self) -> None:
        """Give back the name of a run that took no step, so that it can begin with other settings.

        Its folder stays if something else is in it: a job of the app, say.
        """
        if not self.work.is_dir() or (self.work / LOG).exists():
            return
        (self.work / CONFIG).unlink(missing_ok=True)
        if {path.name for path in self.work.glob("*")} <= {STAGE}:
            shutil.rmtree(self.work, ignore_errors=True)

    def checkpoint(self) -> str | None:
        """Find the checkpoint to resume from; None if there is none."""
        return ranks.once(lambda: last_complete_checkpoint(self.work))

    def average(self, model: Any) -> WeightAverage | None:
        """Make the average of the weights; None without one."""
        return WeightAverage(model, self.config.average) if self.config.average else None

    def dev_monitor(
        self,
        model: Any,
        average: WeightAverage | None,
        teacher: TokenEncoder | None = None,
        *,
        patience: int | None = None,
    ) -> DevMonitor | None:
        """Make the monitor of the dev collection; None without one, and on ranks above 0."""
        if not self.config.dev or ranks.rank() > 0:
            return None
        self.tell("encoding the dev collection")
        return DevMonitor(self.work, self.config, teacher, model, average, patience=patience)

    def trainer(
        self,
        model: Any,
        rows: Dataset,
        loss: Any,
        monitors: Iterable[TrainerCallback | None],
        **reading: Any,
    ) -> ResumableTrainer:
        """Make the trainer; `reading` says how it reads the rows, see `training_arguments`."""
        given = [monitor for monitor in monitors if monitor]
        log: list[TrainerCallback] = [EarlyMonitor()]
        if ranks.rank() == 0:
            log.append(
                LogMonitor(
                    self.work / LOG,
                    loss,
                    progress=self.progress,
                    doing=self.doing,
                    dev=next((each for each in given if isinstance(each, DevMonitor)), None),
                )
            )
        trainer = ResumableTrainer(
            model=model,
            args=training_arguments(self.config, self.work, self.device, **reading),
            train_dataset=rows,
            loss=loss,
            callbacks=[*log, *given],
        )
        trainer.average = next((each for each in given if isinstance(each, WeightAverage)), None)
        remove_library_callbacks(trainer)
        return trainer

    def train(self, trainer: ResumableTrainer, checkpoint: str | None) -> None:
        """Take the steps that are left after a checkpoint; None for all.

        Raises:
            TrainingStoppedError: the run was asked to stop before the last step.
        """
        forget_stop(self.work)
        stop = StopMonitor(self.work)
        if ranks.count() == 1:  # the others might see it a step later, and wait for ever
            trainer.add_callback(stop)
        with writable(self.work):  # the curves of TensorBoard among others
            trainer.train(resume_from_checkpoint=checkpoint)
        forget_stop(self.work)
        if stop.stopped and trainer.state.global_step < self.config.steps:
            raise TrainingStoppedError(
                f"the training {self.config.name!r} was stopped after step "
                f"{trainer.state.global_step:,} of {self.config.steps:,}; the same command goes on"
            )

    def card(self, summary: str, data: str, languages: Iterable[str], report: str) -> ModelCard:
        """Make the model's card; `data` names the setting that has the training data."""
        paths = (path.strip("./") for path in getattr(self.config, data))
        return ModelCard(
            summary=summary,
            languages=tuple(sorted(languages)),
            data=(*paths, report),
            licence=self.config.licence,
            recipe=self.config.model_dump(exclude={"name", data, "languages", "licence"}),
        )

    def finish(self, model: Any, dev: DevMonitor | None, **data: Any) -> None:
        """Write the record, which marks the model as complete, and remove the checkpoints."""
        record = {
            "config": self.config.model_dump(),
            **data,
            "precision": training_precision(self.config.bf16, model.device),
            "dev_map": dev.best if dev else None,
        }
        write_record(self.folder / "record.json", record)
        remove_checkpoints(self.work)


@contextlib.contextmanager
def begun(
    config: Config, doing: str, *, device: str | None, progress: bool
) -> Iterator[Run[Config]]:
    """Begin a run: no other process works on it, and it has its own random numbers.

    The processes of `torchrun` or `accelerate launch` meet here: see `ranks`.

    Raises:
        InputError: the name means another model, or the processes can't share the training.
    """
    folder = new_model_folder(config.name)
    ranks.join(cpu=on_cpu(device))
    ranks.check_share(config.batch_size, device)
    work = home("runs", config.name)
    # A killed launcher leaves its processes running; they must not write while new ones do.
    alone = exclusive(work) if ranks.rank() == 0 else contextlib.nullcontext()
    with alone, own_random_numbers():
        run = Run(config, doing, work, folder, device, progress)
        claimed = (work / CONFIG).exists()
        try:
            yield run
        except InputError as error:
            if not (claimed or isinstance(error, TrainingStoppedError) or ranks.rank()):
                run.release()
            raise
