"""SHA-256 of the files that decide a ranking: noted where they are made, checked where opened.

A folder notes those of its files in its own JSON. A single file has them beside it, in
`<name>.sha256`, as `sha256sum -c` reads it; one without is taken as it is.

A large file is read again only where its size or time of change is another than when it was last
read, which is noted under `$OPTICAL_HOME/checked`.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from optical_core.errors import InputError
from optical_core.storage import home, replace_file

LARGE = 1 << 23
"""Bytes of a file that takes longer to read than to look its checksum up."""


def checksum(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    told = path.stat()
    if told.st_size < LARGE:
        return _read(path)
    state = f"{told.st_dev}-{told.st_ino}-{told.st_size}-{told.st_mtime_ns}"
    with contextlib.suppress(InputError, OSError, UnicodeDecodeError):
        noted = home("checked", state)
        if noted.is_file() and len(found := noted.read_text()) == 64:
            return found
    found = _read(path)
    with contextlib.suppress(InputError, OSError):  # a home that can't be written
        _remember(home("checked", state), found)
    return found


def _remember(place: Path, found: str) -> None:
    with replace_file(place) as temporary:
        temporary.write_text(found)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums(folder: Path, names: Iterable[str] | None = None) -> dict[str, str]:
    """Checksums of a folder's files by their paths in it: of those named, by default all."""
    if names is None:
        paths = (path for path in folder.rglob("*") if path.is_file())
        names = sorted(path.relative_to(folder).as_posix() for path in paths)
    return {name: checksum(folder / name) for name in names}


def check_files(folder: Path, noted: Mapping[str, str]) -> None:
    """Raise InputError for a file of a folder that is missing or isn't as it was noted."""
    for name, wanted in noted.items():
        path = folder / name
        try:
            found = checksum(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path} can't be read: {str(error).lower()}") from error
        if found != wanted:
            raise InputError(
                f"{path} is damaged and can't be read: its SHA-256 begins with {found[:8]}, that "
                f"of what was written with {str(wanted)[:8]}"
            )


@contextlib.contextmanager
def replace_noted(target: Path) -> Iterator[Path]:
    """`replace_file` for a file that decides a ranking: its checksum is noted beside it."""
    _beside(target).unlink(missing_ok=True)  # first: killed, it may have none, but no wrong one
    with replace_file(target) as temporary:
        yield temporary
    note(target)


def note(path: Path) -> None:
    """Note a file's checksum beside it."""
    with replace_file(_beside(path)) as temporary:
        temporary.write_text(f"{checksum(path)}  {path.name}\n", encoding="utf-8")


def check_noted(path: Path) -> None:
    """Raise InputError for a file that has a checksum beside it, and another content."""
    beside = _beside(path)
    if not beside.is_file():
        return
    words = beside.read_text(encoding="utf-8", errors="replace").split()
    try:
        check_files(path.parent, {path.name: words[0] if words else ""})
    except InputError as error:
        raise InputError(
            f"{error}; write it again, or remove {beside.name} if you changed it yourself"
        ) from error


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
