"""Compressed files: unpacked while reading if Python or Arrow can, else refused by name.

A file's first bytes tell its format: names can be wrong, and an upload may have lost its own.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from optical_core.data.allowance import allowance, step, watched
from optical_core.errors import InputError

ENDINGS = (".gz", ".bz2", ".xz", ".zst")
"""Endings of compressed files that can be read."""
DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""Exceptions that reading a damaged stream raises."""
_UNREAD = {
    b"PK\x03\x04": "a zip file",
    b"PK\x05\x06": "a zip file",
    b"7z\xbc\xaf\x27\x1c": "a 7z file",
    b"Rar!\x1a\x07": "a RAR file",
    b"\x1f\x9d": "compressed by `compress` (.Z)",
    b"\x04\x22\x4d\x18": "compressed by lz4",
}
GROWTH = 200
"""Compressed data may unpack to this many times its size; text unpacks to 3 to 20 times."""
FREE = 100_000_000
"""Bytes that any compressed data may unpack to, whatever its size."""
_BLOCK = 1 << 16
_TAR = slice(257, 262), b"ustar"


@contextmanager
def open_plain(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading; gzip, bzip2, xz and zstd are unpacked.

    Reading a damaged stream raises one of `DAMAGE`.

    Raises:
        InputError: the file is compressed in another way, is an archive, or isn't what its ending
            says. Reading raises it if the file unpacks to too much or takes too long (see
            `allowance`).
    """
    with path.open("rb") as file:
        head = file.peek(6)[:6]
        other = next((form for magic, form in _UNREAD.items() if head.startswith(magic)), None)
        with _unpacked(file, head) as unpacked:
            is_plain = unpacked is file
            stream = file
            if watched() or not is_plain:
                # A pipe has no size.
                packed = math.inf if is_plain else path.stat().st_size or math.inf
                stream = metered(unpacked, str(path), packed)
            if other is None and is_plain and head and path.suffix.lower() in ENDINGS:
                raise InputError(f"{path} is no {path.suffix} file: is its name right?")
            start = stream.peek(262)
            if start[_TAR[0]] == _TAR[1]:
                other = "a tar archive"
            if other:
                raise InputError(
                    f"{path} is {other}: unpack it; single files are read if they are compressed "
                    f"as {', '.join(ENDINGS)}"
                )
            yield stream


def _unpacked(file: io.BufferedReader, head: bytes) -> IO[bytes]:
    if head.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=file))
    if head.startswith(b"BZh"):
        return cast(IO[bytes], bz2.BZ2File(file))
    if head.startswith(b"\xfd7zXZ\0"):
        return cast(IO[bytes], lzma.LZMAFile(file))
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        import pyarrow

        return io.BufferedReader(cast(Any, pyarrow.CompressedInputStream(file, "zstd")))
    return file


def check_growth(unpacked: float, packed: float, label: str) -> None:
    """Refuse data that unpacks to more bytes than text of its size could.

    Raises:
        InputError: it does.
    """
    if unpacked > max(FREE, GROWTH * packed):
        raise InputError(
            f"{label} unpacks to more than {GROWTH} times its size, as no text does: unpack it "
            "yourself if that is right"
        )


def metered(stream: IO[bytes], where: str, packed: float = math.inf) -> io.BufferedReader:
    """Wrap a stream: it keeps to its reader's allowance.

    Args:
        stream: the unpacked bytes.
        where: the file's path, with which every error begins.
        packed: size of the compressed data in bytes; infinite for a plain stream.
    """
    return io.BufferedReader(_Metered(stream, where, packed), _BLOCK)


class _Metered(io.RawIOBase):
    def __init__(self, stream: IO[bytes], where: str, packed: float) -> None:
        self._stream: Any = stream
        self._where = where
        self._packed = packed
        self._most = math.inf if packed == math.inf else allowance().stream
        self._read = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._stream.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._read = self._stream.seek(offset, whence)
        return self._read

    def tell(self) -> int:
        return self._read

    def readinto(self, buffer: Any) -> int:
        # The part before the damage is still read.
        count: int = self._stream.readinto1(buffer)
        self._read += count
        check_growth(self._read, self._packed, self._where)
        if self._read > self._most:
            raise InputError(f"{self._where} unpacks to more than {self._most / 1e6:.0f} MB")
        step(f"{Path(self._where).name}, {self._read / 1e6:.0f} MB")
        return count


def plain_name(name: str) -> str:
    """A file's name without its compression ending, in upper or lower case.

    Examples:
        >>> plain_name("qrels.tsv.gz"), plain_name("topics.sw.tsv"), plain_name("m.so.run.GZ")
        ('qrels.tsv', 'topics.sw.tsv', 'm.so.run')
    """
    return next((name[: -len(end)] for end in ENDINGS if name.lower().endswith(end)), name)


def on_disk(path: Path) -> Path:
    """The file itself or its compressed form; `path` if there is neither.

    Raises:
        InputError: there are several of them.
    """
    forms = [path, *(path.with_name(path.name + end) for end in ENDINGS)]
    present = [form for form in forms if form.is_file()]
    if len(present) > 1:
        raise InputError(
            f"{present[0]} and {present[1].name} are both there: which one counts? Take the other "
            "away"
        )
    return present[0] if present else path
