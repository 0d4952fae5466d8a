"""Zip files from elsewhere: opened only where they can do no harm.

What a zip file declares is what it can unpack to: the standard library reads no more of a member
than its declared size, and checks it against its checksum.
"""

from __future__ import annotations

import contextlib
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from optical_core.data.folders import is_data
from optical_core.errors import InputError
from optical_core.storage import is_too_long
from optical_core.wording import counted

LARGEST = 2_000_000_000
"""Bytes that a zip file may unpack to."""
MOST = 100_000
"""Members that a zip file may have."""


@contextlib.contextmanager
def open_zip(source: Path | IO[bytes], *, largest: int = LARGEST) -> Iterator[zipfile.ZipFile]:
    """Open a zip file to be read.

    Raises InputError: no zip file, damaged or encrypted, a path that leads out of it, a link, more
    than `largest` bytes or `MOST` members; also where that shows while it is read.
    """
    what = str(source) if isinstance(source, Path) else "the zip file"
    try:
        with zipfile.ZipFile(source) as archive:
            _check(archive.infolist(), what, largest)
            yield archive
    except InputError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        struct.error,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
        OverflowError,
    ) as error:
        raise InputError(f"{what} is no readable zip file: {error}") from error


def data_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files in an archive, without what Finder and Explorer add (see `folders.is_data`)."""
    return [m for m in archive.infolist() if not m.is_dir() and is_data(m.filename)]


def _check(members: list[zipfile.ZipInfo], what: str, largest: int) -> None:
    if len(members) > MOST:
        raise InputError(f"{what} has {counted(len(members), 'member')}, more than {MOST:,}")
    if sum(member.file_size for member in members) > largest:
        raise InputError(f"{what} unpacks to more than {largest // 1_000_000} MB")
    names: set[str] = set()
    for member in members:
        # The library's own `filename` ends at a zero byte.
        name, shown = member.orig_filename, f"{member.orig_filename[:80]!r}"
        if name in names:
            raise InputError(f"{what} holds {shown} twice: which one counts?")
        names.add(name)
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if ".." in parts or parts[:1] == ("/",) or (parts and ":" in parts[0]):
            raise InputError(f"{what} holds the path {shown}: refused")
        if not name or "\0" in name or is_too_long(name):
            raise InputError(f"{what} holds the path {shown}, which no file can have: refused")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise InputError(f"{what} holds the link {shown}: refused")
