"""Checks of paths that users give: that they can exist, and that writing there loses nothing."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from optical_core.errors import InputError

_LONGEST_NAME, _LONGEST_PATH = 255, 4095
"""Limits of Linux, in bytes."""


def is_too_long(path: str | os.PathLike[str]) -> bool:
    """Is this longer than a path may be? Looking for such a file would raise an OSError."""
    parts = re.split(r"[/\\]", os.fspath(path))
    sizes = [len(part.encode(errors="surrogatepass")) for part in parts]
    return max(sizes) > _LONGEST_NAME or sum(sizes) + len(sizes) > _LONGEST_PATH


def check_path(path: str | os.PathLike[str]) -> None:
    """Refuse a name or path that no file can have, before it is looked for.

    Raises:
        InputError: it is too long.
    """
    if is_too_long(path):
        raise InputError(
            f"{os.fspath(path)[:40]!r}… is longer than a path may be ({_LONGEST_NAME} bytes a "
            f"name, {_LONGEST_PATH} in all)"
        )


def check_utf8(path: str | os.PathLike[str]) -> None:
    """Refuse a path whose bytes aren't UTF-8: no file of weights can be opened there.

    Raises:
        InputError: they aren't.
    """
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"the name of {path!s} isn't UTF-8: rename it") from error


def check_apart(written: Path, read: Iterable[Path | str]) -> None:
    """Refuse to write a file or folder that is read, or a file in a folder that is read.

    Raises:
        InputError: it is one of them.
    """
    place = Path(os.path.realpath(written))
    known = {os.path.realpath(each) for each in read}
    if str(place) in known or (place.is_file() and str(place.parent) in known):
        raise InputError(f"{written} is read here, and would be replaced: write to another place")


def check_ours(target: Path, ours: Sequence[str]) -> None:
    """Refuse to replace a folder with a user's other files in it, such as the current folder.

    Args:
        target: the folder.
        ours: files by which a folder of this kind is known; without any, every folder passes.

    Raises:
        InputError: it is a file, or has files and none of these.
    """
    if target.is_file():
        raise InputError(f"{target} is a file, and a folder would take its place: choose another")
    if not ours or any((target / name).is_file() for name in ours):
        return
    with contextlib.suppress(OSError), os.scandir(target) as entries:
        if any(entries):
            raise InputError(
                f"{target} has other files, and all of it would be replaced: choose a folder that "
                "is new or empty"
            )
