"""Judgements in several files: one or more for each language, by their names, or all joined."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from optical_core.data.languages import find_language
from optical_core.data.trec import Qrels, read_qrels
from optical_core.errors import InputError


def read_judgements(
    files: Mapping[Path, str], languages: Collection[str]
) -> tuple[Qrels | dict[str, Qrels], bool]:
    """Read judgements for all languages, or for each one.

    Args:
        files: file -> the part of its name that may be a language code. One file is for all
            languages. Several files are one or more for each of `languages`; if no name has a
            language, they are joined.
        languages: codes of the query languages.

    Returns:
        The judgements, and whether they are by language.

    Raises:
        InputError: some names have a language and some don't, a language has no file, or a passage
            has two grades. The message names the files.
    """
    if len(files) == 1:
        return read_qrels(*files), False
    by_code: dict[str, list[Path]] = {}
    for path, named in files.items():
        known = find_language(named)
        if known:
            by_code.setdefault(known.code, []).append(path)
    if not by_code:
        return read_qrels(*files), False
    names = ", ".join(path.name for path in files)
    folder = next(iter(files)).parent
    if sum(map(len, by_code.values())) < len(files):
        raise InputError(
            f"{folder}: {names}: some of these judgements are of a language and some are not; "
            "name all by their language, or none"
        )
    if unlike := set(by_code) ^ set(languages):
        raise InputError(
            f"{folder}: {names}: there are judgements but no topics, or topics but no judgements, "
            f"in {', '.join(sorted(unlike))}"
        )
    return {code: read_qrels(*by_code[code]) for code in languages}, True
