"""Safetensors files, the only form in which weights are read and written."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from optical_core.checksums import check_files, checksums
from optical_core.data.lines import read_json
from optical_core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

_PROVENANCE = "provenance.json"


def write_tensors(path: Path, tensors: dict[str, Tensor], **metadata: str) -> None:
    """Write tensors as PyTorch's; raises OSError where the disk takes no more."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(tensors, path, metadata={"format": "pt", **metadata})
    except SafetensorError as error:
        raise OSError(str(error)) from error


def write_provenance(folder: Path, *, model: str, origin: str) -> None:
    """Note what a folder of weights was made of, and the checksums of its files."""
    told = {"model": model, "from": origin, "files": checksums(folder)}
    (folder / _PROVENANCE).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def is_whole(folder: Path) -> bool:
    """Are the weights of the cache there, and as they were written?

    One that an older version wrote, without checksums, need only be as long as its header says.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / "model.safetensors", "np"):
            pass
        noted = folder / _PROVENANCE
        told = read_json(noted) if noted.is_file() else {}
        check_files(folder, dict(told.get("files", {})))
    except (OSError, SafetensorError):
        return False
    except (ValueError, TypeError, AttributeError) as error:
        logger.warning("%s; it is made again", error)
        return False
    return True


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, on the CPU. Raises InputError: no such file, cut short or damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"the weights in {path} can't be read: {reason}") from error
