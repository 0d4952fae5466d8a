"""Dictionaries: English words and phrases with their translations, from any lexicon.

Read from:

    <language>.tsv     foreign word, English word, probability: what `optical lexicon` learns
    <language>.tsv     English, foreign: GATITOS, terms of Wiktionary or PanLex, one's own list;
                       a first line may name the columns, in either order
    *.jsonl            Wiktionary as wiktextract has it (kaikki.org), all languages in one file
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from pathlib import Path

from optical_core.data.bitext_columns import is_heading
from optical_core.data.bitext_names import foreign_language
from optical_core.data.compression import plain_name
from optical_core.data.folders import data_files
from optical_core.data.language_files import say_left_out
from optical_core.data.languages import find_language, matching
from optical_core.data.lexicons import likeliest, read_lexicon
from optical_core.data.lines import read_columns, read_jsonl, read_lines
from optical_core.data.words import words
from optical_core.errors import InputError

Dictionary = dict[str, dict[str, float]]
"""English phrase, as `phrase` has it -> translation -> weight."""

LONGEST = 4
"""Words of an English phrase; longer entries are definitions."""
_SEVERAL = re.compile(r"[()\[\];,/]")
"""Signs of entries that hold more than one translation, or a remark."""


def read_dictionaries(path: Path, languages: Iterable[str] = ()) -> dict[str, Dictionary]:
    """Read the dictionaries of a file or folder.

    Args:
        path: the file or folder. The language of a TSV file is in its name (`sw.tsv`, `en_fr.tsv`).
        languages: those to read; all by default, but a file of Wiktionary needs them.

    Returns:
        Language -> dictionary. Several files of one language are joined.

    Raises:
        InputError: there is no such file, no dictionary of a language, or a line has other columns.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "sw.tsv").write_text("sea\\tbahari\\nto go\\tenda\\n")
        ...     read_dictionaries(Path(folder))
        {'sw': {'sea': {'bahari': 1.0}, 'go': {'enda': 1.0}}}
    """
    wanted = list(languages)
    if not path.exists():
        raise InputError(f"no such lexicon: {path}")
    files = data_files(path, "*.tsv", "*.jsonl", deep=False) if path.is_dir() else [path]
    found: dict[str, Dictionary] = {}
    unknown = []
    for file in files:
        if plain_name(file.name).endswith(".jsonl"):
            _add_wiktionary(found, file, wanted)
        elif (code := foreign_language(file)) is None:
            unknown.append(file.name)
        elif not wanted or any(matching(other, [code]) for other in wanted):
            _add_table(found.setdefault(code, {}), file, code)
    say_left_out(unknown, path)
    missing = [code for code in wanted if not any(matching(code, [have]) for have in found)]
    found = {code: dictionary for code, dictionary in found.items() if dictionary}
    if missing or not found:
        named = ", ".join(missing) or "any language"
        raise InputError(
            f"{path} has no lexicon of {named}: <language>.tsv was expected (foreign, English, "
            "probability; or English, foreign), or a *.jsonl of Wiktionary's English entries"
        )
    return found


def phrase(english: str) -> str | None:
    """An English entry as a dictionary has it: its words, without the `to` of a verb.

    None if it is no plain word or phrase.

    Examples:
        >>> phrase("To build"), phrase("connecting link"), phrase("the first vowel in Marathi")
        ('build', 'connecting link', None)
    """
    found = words(english)
    if found[:1] == ["to"] and len(found) > 1:
        found = found[1:]
    if _SEVERAL.search(english) or not 0 < len(found) <= LONGEST:
        return None
    return " ".join(found)


def _add(dictionary: Dictionary, english: str, foreign: str, weight: float = 1.0) -> None:
    key, foreign = phrase(english), foreign.strip()
    if key and words(foreign) and not _SEVERAL.search(foreign) and key != phrase(foreign):
        weights = dictionary.setdefault(key, {})
        weights[foreign] = max(weight, weights.get(foreign, 0.0))


def _add_table(dictionary: Dictionary, path: Path, code: str) -> None:
    first = next((line for _, line in read_lines(path) if line.strip()), "").split("\t")
    if len(first) == 3:
        for foreign, translations in likeliest(read_lexicon(path)).items():
            for english, share in translations.items():
                _add(dictionary, english, foreign, share)
        return
    known = [found.code for cell in first if (found := find_language(cell))]
    named = is_heading(first) or {"en", code} == {*known}
    turned = named and first[-1].strip().lower() in ("en", "eng", "english")
    for columns in itertools.islice(read_columns(path, ("English", "foreign")), int(named), None):
        english, foreign = reversed(columns) if turned else columns
        _add(dictionary, english, foreign)


def _add_wiktionary(found: dict[str, Dictionary], path: Path, wanted: list[str]) -> None:
    if not wanted:
        raise InputError(f"{path} has all languages of Wiktionary: say which with --languages")
    for row in read_jsonl(path):
        translations = row.get("translations")
        if row.get("lang_code") != "en" or not isinstance(translations, list):
            continue
        for entry in filter(lambda each: isinstance(each, dict), translations):
            known = find_language(str(entry.get("code") or entry.get("lang_code") or ""))
            if known and isinstance(entry.get("word"), str):
                for code in wanted:
                    if matching(code, [known.code]):
                        english = row.text_or_empty("word")
                        _add(found.setdefault(known.code, {}), english, entry["word"])
