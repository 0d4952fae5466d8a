"""Checkpoints of a training: written whole, checked before a run goes on from them."""

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
from optical_core.distill.monitor import BEST
from optical_core.errors import InputError
from optical_core.models.weights import read_tensors, write_tensors
from optical_core.storage import replace_file, writable

logger = logging.getLogger(__name__)

COMPLETE = "complete.json"
"""File written last into a checkpoint, with the hashes of the others: one that lacks it, or whose
files are others now, is never resumed from."""
_TRAINABLE = "trainable.safetensors"


class ResumableTrainer(MultiVectorEncoderTrainer):
    """Saves what is trained alone, and marks a checkpoint only when it is whole."""

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {
            name: parameter.detach().cpu().contiguous()
            for name, parameter in [*self.model.named_parameters(), *self._head()]
            if parameter.requires_grad
        }
        write_tensors(folder / _TRAINABLE, tensors)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        tensors = load_trained(self.model, resume_from_checkpoint)
        with torch.no_grad():
            for name, parameter in self._head():
                parameter.copy_(tensors[name])

    def _head(self) -> list[tuple[str, torch.nn.Parameter]]:
        """Parameters of the loss itself, which end with the training."""
        loss: Any = self.loss
        own = loss.named_parameters()
        return [(f"loss.{name}", p) for name, p in own if not name.startswith("model.")]

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


def load_trained(model: torch.nn.Module, checkpoint: str) -> dict[str, torch.Tensor]:
    """Put a checkpoint's weights into a model; returns them."""
    tensors = read_tensors(Path(checkpoint) / _TRAINABLE)
    model.load_state_dict(tensors, strict=False)
    return tensors


def last_complete_checkpoint(work: Path) -> str | None:
    """The folder to go on from; what was cut off or damaged is removed."""
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
    """The step after which a checkpoint was written."""
    return int(checkpoint.rpartition("-")[2])


def hashes(checkpoint: Path) -> dict[str, str]:
    """Relative path -> content hash of a checkpoint's files."""
    files = (path for path in sorted(checkpoint.rglob("*")) if path.is_file())
    return {
        path.relative_to(checkpoint).as_posix(): file_hash(path)
        for path in files
        if path.name != COMPLETE and not path.name.startswith(f".{COMPLETE}")
    }


def remove_checkpoints(work: Path) -> None:
    """A finished run needs none; one that was killed while it removed them has some left."""
    for checkpoint in work.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
    (work / BEST).unlink(missing_ok=True)
