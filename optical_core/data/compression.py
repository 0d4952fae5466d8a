"""Compressed files: read through where Python or Arrow can, and named where they can't.

A file's first bytes tell what it is: names lie, and an upload may have lost its own.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from optical_core.errors import InputError

ENDINGS = (".gz", ".bz2", ".xz", ".zst")
"""Of the names of files that are read through."""
DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What reading a damaged stream raises."""
_UNREAD = {
    b"PK\x03\x04": "a zip file",
    b"PK\x05\x06": "a zip file",
    b"7z\xbc\xaf\x27\x1c": "a 7z file",
    b"Rar!\x1a\x07": "a RAR file",
    b"\x1f\x9d": "compressed by `compress` (.Z)",
    b"\x04\x22\x4d\x18": "compressed by lz4",
}
_TAR = slice(257, 262), b"ustar"


@contextmanager
def open_plain(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading, unpacked where it is compressed by gzip, bzip2, xz or zstd.

    Raises InputError: compressed by something else, an archive, or not what its ending says; a
    damaged stream raises one of `DAMAGE` where it is read.
    """
    with path.open("rb") as file:
        head = file.peek(6)[:6]
        other = next((what for magic, what in _UNREAD.items() if head.startswith(magic)), None)
        with _unpacked(file, head) as stream:
            if other is None and stream is file and head and path.suffix in ENDINGS:
                raise InputError(f"{path} is no {path.suffix} file: is its name right?")
            start = stream.peek(262)  # type: ignore[attr-defined]
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


def plain_name(name: str) -> str:
    """A file's name without the ending of a compression.

    Examples:
        >>> plain_name("qrels.tsv.gz"), plain_name("topics.sw.tsv")
        ('qrels.tsv', 'topics.sw.tsv')
    """
    return next((name.removesuffix(end) for end in ENDINGS if name.endswith(end)), name)


def on_disk(path: Path) -> Path:
    """The file itself or its one compressed form; `path` where there is neither.

    Raises InputError: several of them, of which none can be passed over.
    """
    forms = [path, *(path.with_name(path.name + end) for end in ENDINGS)]
    found = [form for form in forms if form.is_file()]
    if len(found) > 1:
        raise InputError(
            f"{found[0]} and {found[1].name} lie beside each other: which one counts? Take the "
            "other away"
        )
    return found[0] if found else path
