"""Files that are named after languages: `sw.jsonl`, `swh.tsv`, `topics.pt_br.txt`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from optical_core.data.compression import plain_name
from optical_core.data.folders import data_files
from optical_core.data.languages import find_language
from optical_core.errors import InputError

logger = logging.getLogger(__name__)


def by_language(
    paths: Iterable[Path], code_of: Callable[[Path], str], label: object
) -> dict[str, Path]:
    """Language -> file, in the order given; unknown languages are left out with a warning.

    Args:
        paths: the files.
        code_of: gives a file's language code.
        label: the warning begins with it.

    Raises:
        InputError: two files are of one language, or no file is of a known one.
    """
    files: dict[str, Path] = {}
    unknown = []
    for path in paths:
        known = find_language(code_of(path))
        if known is None:
            unknown.append(path.name)
        elif known.code in files:
            raise InputError(
                f"{files[known.code]} and {path} are both {known.name} ({known.code}): "
                "leave one of them out"
            )
        else:
            files[known.code] = path
    say_left_out(unknown, label)
    if unknown and not files:
        raise InputError(f"{label}: no file of a known language (there is {', '.join(unknown)})")
    return files


def say_left_out(unknown: Iterable[str], label: object) -> None:
    """Warn of names that are left out because their language isn't known."""
    if names := ", ".join(dict.fromkeys(unknown)):
        logger.warning("%s: left out, since their languages aren't known: %s", label, names)


def files_of_languages(folder: Path, suffix: str) -> dict[str, Path]:
    """Language -> its data file `<code><suffix>` in a folder, sorted by name; see `by_language`."""
    paths = data_files(folder, f"*{suffix}", deep=False)
    return by_language(paths, partial(_code, suffix=suffix), folder)


def file_of(folder: Path, code: str, suffix: str) -> Path | None:
    """A language's file in a folder, named by any form of its code; None without one.

    Raises:
        InputError: there are several such files.
    """
    files = []
    for path in data_files(folder, f"*{suffix}", deep=False):
        known = find_language(_code(path, suffix))
        if known and known.code == code:
            files.append(path)
    if len(files) > 1:
        raise InputError(f"{files[0]} and {files[1]} are both of {code}: leave one of them out")
    return files[0] if files else None


def _code(path: Path, suffix: str) -> str:
    return plain_name(path.name)[: -len(suffix)]
