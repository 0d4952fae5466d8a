"""The languages that a file of bitext tells by its name: `eng-swa.tsv`, `news.pt_BR.txt`."""

from __future__ import annotations

import re
from pathlib import Path

from optical_core.data.compression import plain_name
from optical_core.data.languages import find_language, is_english
from optical_core.data.sentence_pairs import pair_language


def named_languages(path: Path) -> list[str]:
    """Language codes in a file's name, in order, from the last part that has a foreign one.

    Examples:
        >>> named_languages(Path("20-eng-swa.tsv.gz")), named_languages(Path("news.zh-TW.tsv"))
        (['en', 'sw'], ['zh-TW'])
    """
    for segment in reversed(re.split(r"[. ]", plain_name(path.name))):
        codes = _codes(segment)
        if any(not is_english(code) for code in codes):
            return codes
    return []


def foreign_language(path: Path) -> str | None:
    """The foreign language in a file's name, as `pair_language` gives it; None without one."""
    foreign = [code for code in named_languages(path) if not is_english(code)]
    return pair_language(foreign[-1]) if foreign else None


def _codes(segment: str) -> list[str]:
    """The codes in a part of a name; a script or region belongs to the code before it."""
    tags = [find_language(tag) for tag in segment.split("-")]
    if "_" in segment and all(tags):  # en-pt_br, eng_Latn-swh_Latn
        return [known.code for known in tags if known]
    parts = re.split("[-_]", segment)
    codes: list[str] = []
    start = 0
    while start < len(parts):
        end = start + 1
        if find_language(parts[start]):
            while end < len(parts) and _goes_on(parts[start:end], parts[end]):
                end += 1
            if known := find_language("-".join(parts[start:end])):
                codes.append(known.code)
        start = end
    return codes


def _goes_on(tag: list[str], part: str) -> bool:
    """Does a part of a name belong to the code before it?

    `en-it` is a pair of languages, `en-GB` and `pt-br` are one with its region.
    """
    if find_language("-".join([*tag, part])) is None:
        return False
    return not (part.islower() and is_english(tag[0]) and find_language(part))
