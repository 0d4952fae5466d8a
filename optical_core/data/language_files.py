"""Files that are named by languages: `sw.jsonl`, `swh.tsv`, `topics.pt_br.txt`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from optical_core.data.compression import on_disk, plain_name
from optical_core.data.folders import data_files
from optical_core.data.languages import find_language
from optical_core.errors import InputError

logger = logging.getLogger(__name__)


def by_language(
    paths: Iterable[Path], code_of: Callable[[Path], str], what: object
) -> dict[str, Path]:
    """Files by the language that `code_of` tells of them, in the order given.

    Those of unknown languages are left out with a warning, which `what` opens.

    Raises InputError: two files of one language, or files none of which is of a known one.
    """
    found: dict[str, Path] = {}
    unknown = []
    for path in paths:
        known = find_language(code_of(path))
        if known is None:
            unknown.append(path.name)
        elif known.code in found:
            raise InputError(
                f"{found[known.code]} and {path} are both {known.name} ({known.code}): "
                "leave one of them out"
            )
        else:
            found[known.code] = path
    say_left_out(unknown, what)
    if unknown and not found:
        raise InputError(f"{what}: no file of a known language (there is {', '.join(unknown)})")
    return found


def say_left_out(unknown: Iterable[str], what: object) -> None:
    """Warn of what is left out because its language isn't known."""
    if names := ", ".join(dict.fromkeys(unknown)):
        logger.warning("%s: left out, since their languages aren't known: %s", what, names)


def file_of(folder: Path, code: str, suffix: str) -> Path | None:
    """A language's file in a folder, whichever form of its code names it; None without one.

    Raises InputError: several such files.
    """
    exact = on_disk(folder / f"{code}{suffix}")
    if exact.is_file():
        return exact
    found = []
    for path in data_files(folder, f"*{suffix}", deep=False):
        known = find_language(plain_name(path.name).removesuffix(suffix))
        if known and known.code == code:
            found.append(path)
    if len(found) > 1:
        raise InputError(f"{found[0]} and {found[1]} are both of {code}: leave one of them out")
    return found[0] if found else None
