"""SHA-256 of the files that decide a ranking: noted when they are written, checked when opened.

A folder notes its files' checksums in its own JSON. A single file's checksum is beside it in
`<name>.sha256`, in the form of `sha256sum -c`. A file without one isn't checked.

A large file is read again only if its size or modification time has changed. The last checksum is
kept under `$OPTICAL_HOME/checked`.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from optical_core.errors import InputError
from optical_core.storage import home, replace_file, writable

LARGE = 1 << 23
"""Bytes from which a file takes longer to read than to look its checksum up."""


def checksum(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    status = path.stat()
    if status.st_size < LARGE:
        return _read(path)
    state = f"{status.st_dev}-{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"
    with contextlib.suppress(InputError, OSError, UnicodeDecodeError):
        noted = home("checked", state)
        if noted.is_file() and len(digest := noted.read_text()) == 64:
            return digest
    digest = _read(path)
    with contextlib.suppress(InputError, OSError):  # a home that can't be written
        _remember(home("checked", state), digest)
    return digest


def _remember(place: Path, digest: str) -> None:
    with replace_file(place) as temporary:
        temporary.write_text(digest)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums(folder: Path, names: Iterable[str] | None = None) -> dict[str, str]:
    """Path in the folder -> checksum, of the named files or of all."""
    if names is None:
        paths = (path for path in folder.rglob("*") if path.is_file())
        names = sorted(path.relative_to(folder).as_posix() for path in paths)
    return {name: checksum(folder / name) for name in names}


def check_files(folder: Path, noted: Mapping[str, str]) -> None:
    """Check a folder's files against the checksums that were noted.

    Raises:
        InputError: a file is missing or has changed.
    """
    for name, wanted in noted.items():
        path = folder / name
        try:
            digest = checksum(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path} can't be read: {str(error).lower()}") from error
        if digest != wanted:
            raise InputError(
                f"{path} is damaged and can't be read: its SHA-256 begins with {digest[:8]}, but "
                f"was {str(wanted)[:8]} when the file was written"
            )


@contextlib.contextmanager
def replace_noted(target: Path) -> Iterator[Path]:
    """`replace_file`, and note the new file's checksum beside it."""
    # Removed first: a killed process may leave no checksum, but never a wrong one.
    with writable(target):
        _beside(target).unlink(missing_ok=True)
    with replace_file(target) as temporary:
        yield temporary
    note(target)


def note(path: Path) -> None:
    """Note a file's checksum beside it."""
    with replace_file(_beside(path)) as temporary:
        temporary.write_text(f"{checksum(path)}  {path.name}\n", encoding="utf-8")


def check_noted(path: Path) -> None:
    """Check a file against the checksum beside it, if there is one.

    Raises:
        InputError: the file has changed.
    """
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
