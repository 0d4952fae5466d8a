"""Foreign zip files: opened only if they can do no harm.

A zip file can't unpack to more than it declares: the standard library reads no more of a member
than its declared size, and checks its checksum.
"""

from __future__ import annotations

import contextlib
import io
import lzma
import mmap
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from optical_core.data.allowance import allowance
from optical_core.data.compression import check_growth
from optical_core.data.folders import is_data
from optical_core.errors import InputError
from optical_core.paths import is_too_long
from optical_core.wording import counted

_ENTRY = re.compile(rb"PK\x01\x02")
"""How a member begins in a zip file's directory."""


@contextlib.contextmanager
def open_zip(source: Path | bytes) -> Iterator[zipfile.ZipFile]:
    """Open a zip file, or the bytes of one, for reading.

    Raises:
        InputError: it is no zip file, is damaged or encrypted, has a link or a path that leads out
            of it, or has more bytes or members than the reader's `allowance` or than text of its
            size can have. Reading a member may raise it too.
    """
    label = str(source) if isinstance(source, Path) else "the zip file"
    try:
        with contextlib.ExitStack() as stack:
            file: IO[bytes] = stack.enter_context(
                source.open("rb") if isinstance(source, Path) else io.BytesIO(source)
            )
            size = _check_count(file, source, label)
            archive = stack.enter_context(zipfile.ZipFile(file))
            _check(archive.infolist(), size, label)
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
        raise InputError(f"{label} is no readable zip file: {error}") from error


def data_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files in an archive, without those of Finder and Explorer; see `folders.is_data`."""
    return [m for m in archive.infolist() if not m.is_dir() and is_data(m.filename)]


def _check_count(file: IO[bytes], source: Path | bytes, label: str) -> int:
    """Refuse too many members before the library reads them all.

    Returns:
        The zip file's size in bytes.
    """
    with contextlib.ExitStack() as stack:
        data = (
            source
            if isinstance(source, bytes)
            else stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        )
        most = allowance().members
        for number, _ in enumerate(_ENTRY.finditer(data), 1):
            if number > most:
                raise InputError(f"{label} has more than {counted(most, 'member')}")
        return len(data)


def _check(members: list[zipfile.ZipInfo], size: int, label: str) -> None:
    unpacked = sum(member.file_size for member in members)
    if unpacked > (largest := allowance().zipped):
        raise InputError(f"{label} unpacks to more than {largest / 1e6:.0f} MB")
    check_growth(unpacked, size, label)
    names: set[str] = set()
    for member in members:
        # The library's own `filename` ends at a zero byte.
        name, quoted = member.orig_filename, f"{member.orig_filename[:80]!r}"
        if name in names:
            raise InputError(f"{label} has {quoted} twice: which one counts?")
        names.add(name)
        check_growth(member.file_size, member.compress_size, f"{label}: {quoted}")
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if ".." in parts or parts[:1] == ("/",) or (parts and ":" in parts[0]):
            raise InputError(f"{label} has the path {quoted}: refused")
        if not name or "\0" in name or is_too_long(name):
            raise InputError(f"{label} has the path {quoted}, which no file can have: refused")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise InputError(f"{label} has the link {quoted}: refused")
