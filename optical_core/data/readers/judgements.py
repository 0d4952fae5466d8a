"""Judgements that lie in several files: of the languages that their names tell, or all joined."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from optical_core.data.languages import find_language
from optical_core.data.trec import Qrels, read_qrels
from optical_core.errors import InputError


def read_judgements(
    files: Mapping[Path, str], languages: Collection[str]
) -> tuple[Qrels | dict[str, Qrels], bool]:
    """Judgements for all languages, or each language's own; and which of the two.

    files: each with what its name may tell a language by. One file is for all; several are either
    one or more for each of `languages`, or name none of them and are joined.

    Raises:
        InputError: names the files: some tell a language and some don't, a language without any, or
            two grades for one passage.
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
