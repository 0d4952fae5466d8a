"""Safetensors files: weights are read and written in no other form."""

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
    """Write tensors in PyTorch's form.

    Raises:
        OSError: the disk is full, or the file can't be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        path.touch()
        mode = path.stat().st_mode
        save_file(tensors, path, metadata={"format": "pt", **metadata})
        path.chmod(mode)  # the library makes files that only their owner may read
    except SafetensorError as error:
        raise OSError(str(error)) from error


def write_provenance(folder: Path, *, model: str, origin: str) -> None:
    """Write down what a folder of weights was made from, and the checksums of its files."""
    provenance = {"model": model, "from": origin, "files": checksums(folder)}
    (folder / _PROVENANCE).write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8")


def is_whole(folder: Path) -> bool:
    """Tell whether the cache's weights are there and unchanged.

    If an older version wrote the folder, it has no checksums: then the file need only be as long
    as its header says.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / "model.safetensors", "np"):
            pass
        path = folder / _PROVENANCE
        provenance = read_json(path) if path.is_file() else {}
        check_files(folder, dict(provenance.get("files", {})))
    except (OSError, SafetensorError):
        return False
    except (ValueError, TypeError, AttributeError) as error:
        logger.warning("%s; it is made again", error)
        return False
    return True


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a file's tensors to the CPU.

    Raises:
        InputError: there is no such file, or it is cut short or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"the weights in {path} can't be read: {reason}") from error
