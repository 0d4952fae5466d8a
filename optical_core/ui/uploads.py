"""Uploaded files on disk for as long as a reader needs them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from optical_core.data.bitext import SentencePair
from optical_core.distill.config import DistillConfig
from optical_core.errors import InputError
from optical_core.storage import home, replace_file

LARGEST = 2_000_000_000
"""Bytes that a zip file may unpack to."""


@contextlib.contextmanager
def uploaded(files: Sequence[tuple[str, bytes]]) -> Iterator[list[Path]]:
    """Files by (name, content) in a temporary folder; complaints name the file alone."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, (name, data) in enumerate(files):
            # Two uploads may have one name; a name must not lead out of the folder.
            path = Path(folder, str(number), Path(name).name or "upload")
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
def unpacked(data: bytes, *, largest: int = LARGEST) -> Iterator[Path]:
    """A zip file's content in a temporary folder; a single folder inside is entered.

    Raises InputError: no zip file, a path that leads out of it, or more than `largest` bytes.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            archive = zipfile.ZipFile(io.BytesIO(data))
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > largest:
                raise InputError(f"the zip file unpacks to more than {largest // 1_000_000} MB")
            for entry in entries:
                parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
                if ".." in parts or entry.filename.startswith("/"):
                    raise InputError(f"the zip file holds the path {entry.filename!r}: refused")
            archive.extractall(folder)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError) as error:
            raise InputError(f"the upload is no readable zip file: {error}") from error
        root = Path(folder)
        inside = [path for path in root.iterdir() if path.name != "__MACOSX"]
        if len(inside) == 1 and inside[0].is_dir():
            root = inside[0]
        try:
            yield root
        except InputError as error:
            raise InputError(str(error).replace(str(root) + os.sep, "")) from error


def keep_bitext(name: str, data: bytes) -> Path:
    """Keep uploaded bitext under bitext/, by its content, so that a training can be resumed."""
    digest = hashlib.blake2b(data, digest_size=6).hexdigest()
    path = home("bitext", digest, re.sub(r"[^\w.-]+", "-", Path(name).name)[-80:] or "bitext.tsv")
    if not path.exists():
        with replace_file(path) as temporary:
            temporary.write_bytes(data)
    return path


def training_pairs(config: DistillConfig) -> list[SentencePair]:
    """The pairs that a training would see. Raises InputError before a job is begun in vain."""
    from optical_core.distill.trainer import load_bitext

    pairs = list(load_bitext(config).pairs)
    if not pairs:
        raise InputError("no sentence pair is left to train on; see `optical data bitext`")
    return pairs
