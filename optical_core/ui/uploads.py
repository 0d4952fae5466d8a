"""Uploaded files on disk for as long as a reader needs them."""

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
    """Files by (name, content) in a temporary folder; complaints name the file alone."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, (name, data) in enumerate(files):
            # Two uploads may have one name; a name must not lead out of the folder.
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
    """A zip file's content in a temporary folder; a single folder inside is entered.

    Complaints, raised as `open_zip` does, name the file by the `name` that the reader knows.
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
    """Keep uploaded bitext under bitext/, by its content, so that a training can be resumed."""
    digest = hashlib.blake2b(data, digest_size=6).hexdigest()
    path = home("bitext", digest, _plain_name(name))
    for folder in path.parent.parent.iterdir():
        tidy(folder)
    if not path.exists():
        with replace_file(path) as temporary:
            temporary.write_bytes(data)
    return path


def _plain_name(name: str) -> str:
    """A file name that leads nowhere, however the browser calls the file."""
    return re.sub(r"[^\w.-]+", "-", PureWindowsPath(name).name)[-80:].lstrip(".-") or "upload"


def training_pairs(
    config: DistillConfig, given: Allowance = COMMAND, tell: Tell | None = None
) -> list[SentencePair]:
    """The pairs that a training would see. Raises InputError before a job is begun in vain.

    given: what reading its bitext may cost.
    """
    from optical_core.distill.trainer import load_bitext

    with allowed(COMMAND, tell):
        pairs = list(load_bitext(config, given).pairs)
    if not pairs:
        raise InputError("no sentence pair is left to train on; see `optical data bitext`")
    return pairs
