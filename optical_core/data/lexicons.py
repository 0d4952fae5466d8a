"""Lexicons: p(English word | foreign word), a file a language, `<language>.tsv`.

A line holds a foreign word, an English word and the probability, separated by tabs.
`optical lexicon` learns them from bitext.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from optical_core.checksums import check_noted, replace_noted
from optical_core.data.compression import on_disk
from optical_core.data.fields import number_of
from optical_core.data.language_files import file_of, files_of_languages
from optical_core.data.languages import is_english, language
from optical_core.data.lines import read_lines
from optical_core.errors import InputError
from optical_core.storage import replace_file

Lexicon = Mapping[str, Mapping[str, float]]
"""Foreign word -> English word -> p(English word | foreign word)."""

LEAST = 0.2
"""Least probability of a translation that replaces a word."""


def lexicon_hash(*lexicons: Lexicon) -> str:
    """Content hash of lexicons, 16 hexadecimal digits."""
    text = json.dumps(lexicons, ensure_ascii=False, default=dict)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def write_lexicon(path: Path, lexicon: Lexicon, *, noted: bool = True) -> None:
    """Write a lexicon as TSV, whole or not at all.

    Args:
        path: made or replaced.
        lexicon: what to write.
        noted: note its checksum beside it? Its folder may note it elsewhere.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_lexicon(Path(folder, "sw.tsv"), {"bahari": {"sea": 0.9}})
        ...     read_lexicon(Path(folder, "sw.tsv"))
        {'bahari': {'sea': 0.9}}
    """
    replace = replace_noted if noted else replace_file
    with replace(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for word, translations in lexicon.items():
            for english, share in translations.items():
                file.write(f"{word}\t{english}\t{share:.6g}\n")


def read_lexicon(path: Path) -> Lexicon:
    """Read a lexicon.

    Raises:
        InputError: there is no such file, or a line isn't a foreign word, an English word and a
            probability. The message has the file and the line.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "sw.tsv")
        ...     _ = path.write_text("bahari\\tsea\\t0.9\\n")
        ...     read_lexicon(path)
        {'bahari': {'sea': 0.9}}
    """
    path = on_disk(path)
    if not path.is_file():
        raise InputError(f"no lexicon: {path} was expected, as `optical lexicon` writes it")
    check_noted(path)
    lexicon: dict[str, dict[str, float]] = {}
    for number, line in read_lines(path):
        columns = line.split("\t")
        try:
            word, english, share = columns[0], columns[1], number_of(columns[2], str(path))
            if len(columns) != 3 or not 0 < share <= 1 or not word.strip() or not english.strip():
                raise ValueError
        except (IndexError, ValueError) as error:
            raise InputError(
                f"{path}, line {number}: foreign word, English word and a probability in (0, 1] "
                "were expected, separated by tabs"
            ) from error
        if english in lexicon.setdefault(word, {}):
            raise InputError(f"{path}, line {number}: {word!r} has {english!r} twice")
        lexicon[word][english] = share
    return lexicon


def lexicon_of(folder: Path, code: str) -> Lexicon:
    """A folder's lexicon of a query language, or of the language that it is a variant of.

    English needs none: its words stand for themselves.
    """
    path = file_of(folder, code, ".tsv") or file_of(folder, language(code).base, ".tsv")
    if path is None and is_english(code):
        return {}
    return read_lexicon(path or folder / f"{code}.tsv")


def has_lexicons(folder: Path, languages: Iterable[str]) -> bool:
    """Has a folder a lexicon for one of the languages, and no translated queries?"""

    def holds(suffix: str) -> bool:
        return any(file_of(folder, code, suffix) for code in languages)

    return folder.is_dir() and holds(".tsv") and not holds(".jsonl")


def lexicons_of(folder: Path) -> dict[str, Lexicon]:
    """All lexicons of a folder by their language; none where there is no such folder.

    Raises:
        InputError: a file that is no lexicon, or two of one language.
    """
    files = files_of_languages(folder, ".tsv")
    return {code: read_lexicon(path) for code, path in files.items()}


def likeliest(lexicon: Lexicon) -> Lexicon:
    """Each word's likeliest translation, if its probability is at least `LEAST`."""
    best = {
        word: max((share, english) for english, share in translations.items())
        for word, translations in lexicon.items()
        if translations
    }
    return {word: {english: share} for word, (share, english) in best.items() if share >= LEAST}
