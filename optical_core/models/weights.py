"""Safetensors files, the only form in which weights are read and written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from optical_core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


def write_tensors(path: Path, tensors: dict[str, Tensor], **metadata: str) -> None:
    """Write tensors as PyTorch's; raises OSError where the disk takes no more."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(tensors, path, metadata={"format": "pt", **metadata})
    except SafetensorError as error:
        raise OSError(str(error)) from error


def has_weights(folder: Path) -> bool:
    """Is there a model.safetensors as long as its header says?"""
    from safetensors import SafetensorError, safe_open

    path = folder / "model.safetensors"
    try:
        with safe_open(path, "np"):
            return True
    except (OSError, SafetensorError):
        return False


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, on the CPU. Raises InputError: no such file, cut short or damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"the weights in {path} can't be read: {reason}") from error
