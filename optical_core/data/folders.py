"""Files of a folder or an archive: which are data, and which a system left beside them."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from optical_core.data.compression import on_disk, plain_name
from optical_core.errors import InputError

_LEFT_BEHIND = {
    "__macosx",
    "icon\r",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "$recycle.bin",
    "system volume information",
    "lost+found",
}


def is_data(name: str) -> bool:
    """Is a path below a folder or archive data: neither hidden nor Finder's or Explorer's own?

    Examples:
        >>> is_data("col/qrels.tsv"), is_data("__MACOSX/col/._qrels.tsv"), is_data("Thumbs.db")
        (True, False, False)
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return not any(p.startswith((".", "~$")) or p.lower() in _LEFT_BEHIND for p in parts)


def data_files(folder: Path, *patterns: str, deep: bool = True) -> list[Path]:
    """Data files below a folder (or in it) whose plain name matches one of the patterns, by name.

    Raises InputError: a file beside its compressed form.
    """
    found = [
        path
        for path in sorted(folder.rglob("*") if deep else folder.glob("*"))
        if any(fnmatchcase(plain_name(path.name), pattern) for pattern in patterns or "*")
        and is_data(path.relative_to(folder).as_posix())
        and path.is_file()
    ]
    for path in found:
        on_disk(path.with_name(plain_name(path.name)))
    return found


def one_file(folder: Path, *names: str) -> Path | None:
    """The one data file below a folder that has one of the names; None where there is none.

    Raises InputError: several, of which none can be passed over.
    """
    return only(data_files(folder, *names))


def only(files: Iterable[Path]) -> Path | None:
    """The one file, if there is one. Raises InputError: several."""
    found = list(files)
    if len(found) > 1:
        raise InputError(
            f"{found[0]} and {found[1]} are both there: which one counts? Take the other away"
        )
    return found[0] if found else None
