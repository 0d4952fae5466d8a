"""Uploaded files on disk, for as long as they are needed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PureWindowsPath

from optical_core.data.allowance import COMMAND, Allowance, Tell, allowed, step
from optical_core.data.archives import data_members, open_zip
from optical_core.data.bitext import SentencePair
from optical_core.distill.config import DistillConfig
from optical_core.errors import InputError
from optical_core.storage import home, replace_file, tidy


@contextlib.contextmanager
def uploaded(files: Sequence[tuple[str, bytes]]) -> Iterator[list[Path]]:
    """Write files, (name, content), to a temporary folder. Errors show only a file's name."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, (name, data) in enumerate(files):
            # Two uploads may have the same name. A name must not lead out of the folder.
            path = Path(folder, str(number), _plain_name(name))
            path.parent.mkdir()
            path.write_bytes(data)
            paths.append(path)
        try:
            yield paths
        except InputError as error:
            text = str(error)
            for path in paths:
                text = text.replace(str(path.parent) + os.sep, "")
            raise InputError(text) from error


@contextlib.contextmanager
def unpacked(data: bytes, *, name: str = "the zip file") -> Iterator[Path]:
    """Unpack a zip file into a temporary folder. A single folder inside is entered.

    Args:
        name: What errors call the zip file.

    Raises:
        InputError: As for `open_zip`.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            with open_zip(data) as archive:
                members = data_members(archive)
                for number, member in enumerate(members, 1):
                    step(f"file {number:,} of the {len(members):,} in {name}")
                    archive.extract(member, folder)
        except InputError as error:
            raise InputError(str(error).replace("the zip file", name, 1)) from error
        root = Path(folder)
        inside = list(root.iterdir())
        if len(inside) == 1 and inside[0].is_dir():
            root = inside[0]
        try:
            yield root
        except InputError as error:
            text = str(error).replace(str(root) + os.sep, f"{name}: ")
            raise InputError(text.replace(str(root), name)) from error


def keep_bitext(name: str, data: bytes) -> Path:
    """Keep uploaded bitext in a folder named by its content. A resumed training needs it."""
    digest = hashlib.blake2b(data, digest_size=6).hexdigest()
    path = home("bitext", digest, _plain_name(name))
    for folder in path.parent.parent.iterdir():
        tidy(folder)
    if not path.exists():
        with replace_file(path) as temporary:
            temporary.write_bytes(data)
    return path


def _plain_name(name: str) -> str:
    """A safe file name, whatever name the browser sends."""
    return re.sub(r"[^\w.-]+", "-", PureWindowsPath(name).name)[-80:].lstrip(".-") or "upload"


def training_pairs(
    config: DistillConfig, given: Allowance = COMMAND, tell: Tell | None = None
) -> list[SentencePair]:
    """Read the sentence pairs that a training would see, before a job is started in vain.

    Args:
        given: What reading the bitext may cost.

    Raises:
        InputError: If the bitext can't be read or has no usable pair.
    """
    from optical_core.distill.training_bitext import load_bitext

    with allowed(COMMAND, tell):
        pairs = list(load_bitext(config, given).pairs)
    if not pairs:
        raise InputError("no sentence pair is left to train on; see `optical data bitext`")
    return pairs
