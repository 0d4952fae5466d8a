"""Checkpoints of a training: written completely, and checked before a run resumes from them."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import MultiVectorEncoderTrainer
from transformers.trainer_utils import get_last_checkpoint

from optical_core.data.lines import read_json
from optical_core.data.records import file_hash
from optical_core.distill import ranks
from optical_core.distill.averaging import WeightAverage
from optical_core.distill.logs import COMPLETE
from optical_core.distill.monitor import BEST
from optical_core.errors import InputError
from optical_core.models.weights import read_tensors, write_tensors
from optical_core.storage import replace_file, writable

logger = logging.getLogger(__name__)

_TRAINABLE = "trainable.safetensors"
_AVERAGE = "average.safetensors"


class ResumableTrainer(MultiVectorEncoderTrainer):
    """Saves only the trained parameters, and marks a checkpoint when it is complete.

    Attributes:
        average: of the weights, which a checkpoint then has too.
    """

    average: WeightAverage | None = None

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {
            name: parameter.detach().cpu().contiguous()
            for name, parameter in [*self.model.named_parameters(), *self._head()]
            if parameter.requires_grad
        }
        write_tensors(folder / _TRAINABLE, tensors)
        if self.average:
            write_tensors(folder / _AVERAGE, self.average.weights)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        tensors = load_trained(self.model, resume_from_checkpoint, self.average)
        with torch.no_grad():
            for name, parameter in self._head():
                parameter.copy_(tensors[name])

    def _head(self) -> list[tuple[str, torch.nn.Parameter]]:
        """Parameters of the loss itself, which are dropped after the training."""
        loss: Any = self.loss
        named = loss.named_parameters()
        return [(f"loss.{name}", p) for name, p in named if not name.startswith("model.")]

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
        with writable(folder):
            try:
                super()._save_checkpoint(*args, **kwargs)
            except RuntimeError as error:  # what torch makes of a full disk
                raise OSError(str(error).splitlines()[0]) from error
        ranks.wait()  # each writes the state of its random numbers
        if ranks.rank() == 0:
            with replace_file(folder / COMPLETE) as temporary:
                temporary.write_text(json.dumps(hashes(folder)), encoding="utf-8")


def load_trained(
    model: torch.nn.Module, checkpoint: str, average: WeightAverage | None
) -> dict[str, torch.Tensor]:
    """Load a checkpoint's weights into a model, and their average; also returns the weights."""
    tensors = read_tensors(Path(checkpoint) / _TRAINABLE)
    model.load_state_dict(tensors, strict=False)
    if average:
        average.load(read_tensors(Path(checkpoint) / _AVERAGE))
    return tensors


def last_complete_checkpoint(work: Path) -> str | None:
    """Find the checkpoint to resume from; incomplete and damaged ones are removed."""
    for checkpoint in work.glob("checkpoint-*"):
        try:
            whole = read_json(checkpoint / COMPLETE) == hashes(checkpoint)
        except InputError:
            whole = False
        if not whole:
            logger.warning(
                "%s was cut off while it was written, or is damaged: left out", checkpoint
            )
            shutil.rmtree(checkpoint)
    return get_last_checkpoint(str(work))


def step_of(checkpoint: str) -> int:
    """Return the step after which a checkpoint was written."""
    return int(checkpoint.rpartition("-")[2])


def hashes(checkpoint: Path) -> dict[str, str]:
    """Hash a checkpoint's files: relative path -> content hash."""
    files = (path for path in sorted(checkpoint.rglob("*")) if path.is_file())
    return {
        path.relative_to(checkpoint).as_posix(): file_hash(path)
        for path in files
        if path.name != COMPLETE and not path.name.startswith(f".{COMPLETE}")
    }


def remove_checkpoints(work: Path) -> None:
    """Remove the checkpoints of a finished run, also those that an interrupted removal left."""
    for checkpoint in work.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
    (work / BEST).unlink(missing_ok=True)
