"""Files of a folder or an archive: which are data, and which the operating system left there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from optical_core.data.compression import on_disk, plain_name
from optical_core.errors import InputError

MOST_NAMED = 10
"""Files that a warning names."""
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
    """Is a path in a folder or archive data, neither hidden nor left by Finder or Explorer?

    Examples:
        >>> is_data("col/qrels.tsv"), is_data("__MACOSX/col/._qrels.tsv"), is_data("Thumbs.db")
        (True, False, False)
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return not any(p.startswith((".", "~$")) or p.lower() in _LEFT_BEHIND for p in parts)


def data_files(folder: Path, *patterns: str, deep: bool = True) -> list[Path]:
    """Data files of a folder whose plain name matches one of the patterns, sorted by name.

    Upper and lower case are the same: `SW.JSONL` matches `*.jsonl`.

    Args:
        folder: where to look.
        patterns: shell patterns; by default every name matches.
        deep: look into its folders too?

    Raises:
        InputError: a file is beside its compressed form.
    """
    files = [
        path
        for path in sorted(folder.rglob("*") if deep else folder.glob("*"))
        if any(fnmatchcase(plain_name(path.name).lower(), p.lower()) for p in patterns or "*")
        and is_data(path.relative_to(folder).as_posix())
        and path.is_file()
    ]
    for path in files:
        on_disk(path.with_name(plain_name(path.name)))
    return files


def content_hash(folder: Path, *patterns: str) -> str:
    """Hash of the names and contents of data files, 16 hexadecimal digits.

    Args:
        folder: where the files are.
        patterns: as in `data_files`.
    """
    digest = hashlib.blake2b(digest_size=8)
    files = data_files(folder, *patterns)
    for path in sorted(files, key=lambda path: path.relative_to(folder).as_posix()):
        digest.update(path.relative_to(folder).as_posix().encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def one_file(folder: Path, *names: str) -> Path | None:
    """The one data file below a folder that has one of the names; None without one.

    Raises:
        InputError: there are several.
    """
    return only(data_files(folder, *names))


def only(files: Iterable[Path]) -> Path | None:
    """The one file; None without one.

    Raises:
        InputError: there are several.
    """
    paths = list(files)
    if len(paths) > 1:
        raise InputError(
            f"{paths[0]} and {paths[1]} are both there: which one counts? Take the other away"
        )
    return paths[0] if paths else None
