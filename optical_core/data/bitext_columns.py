"""Tab-separated bitext: which columns are sentences, and which of them is English.

Published tables have more than two columns: ids (Tatoeba), scores (WikiMatrix, NLLB), addresses
(ParaCrawl), credits (ManyThings). The content of a column's first lines decides what it is, not
its position.
"""

from __future__ import annotations

import itertools
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from optical_core.data.bitext_names import foreign_language, named_languages
from optical_core.data.languages import (
    LANGUAGES,
    UnknownLanguageError,
    find_language,
    is_english,
    language,
    main_script,
)
from optical_core.data.lines import read_lines
from optical_core.data.sentence_pairs import (
    BadLines,
    SentencePair,
    plain_sentence,
    row_pairs,
    say_unknown,
)
from optical_core.errors import InputError

logger = logging.getLogger(__name__)

SAMPLE = 200
"""Lines that are examined before any is read."""
MOSTLY = 0.9
"""Share of number or address cells from which a column counts as one of numbers or addresses."""
_NUMBER = re.compile(r"[-+]?[\d.,]+([eE][-+]?\d+)?%?")
_ADDRESS = re.compile(r"(https?|ftp)://\S+", re.IGNORECASE)
_ENGLISH = frozenset("the and you that this with have from they what which were been would".split())
"""Words that English can't do without, and that hardly any other language has."""
_HEADS = frozenset(
    "id src tgt trg source target text translation sentence sentence1 sentence2 english foreign "
    "word term "
    "src_text tgt_text source_text target_text source_sentence target_sentence".split()
)
_NAMES = {known.name.lower(): known.code for known in LANGUAGES.values()}
Cells = list[str]


@dataclass(frozen=True)
class _Layout:
    """The English and the foreign column; with a header, the language of each text column."""

    english: int = 0
    foreign: int = 1
    header: dict[int, str] | None = None
    width: int = 2
    """Columns of a line; without a header, the fewest that it may have."""
    first: int = 0
    """Lines to pass over."""


def read_tsv(path: Path) -> Iterator[SentencePair]:
    """The pairs of a table.

    Raises:
        InputError: there are no two columns of sentences, or more than 1 % of the lines are bad.
        UnknownLanguageError: neither the header nor the name has a known language.
    """
    lines = read_lines(path)
    sample = list(itertools.islice(lines, SAMPLE))
    rows = [line.split("\t") for _, line in sample if line.strip()]
    code = foreign_language(path)
    layout = _layout(path, rows, code)
    bad = BadLines(path)
    unknown: Counter[str] = Counter()
    passed = 0
    for number, line in itertools.chain(sample, lines):
        if not line.strip():
            continue
        if passed < layout.first:
            passed += 1
            continue
        bad.total += 1
        cells = line.split("\t")
        if len(cells) < layout.width or (layout.header and len(cells) != layout.width):
            bad.report(number, f"{_columns(len(cells))}, {layout.width} were expected")
        elif layout.header:
            texts = [(name, cells[column].strip()) for column, name in layout.header.items()]
            yield from row_pairs(texts, path.name, unknown)
        elif code is not None:
            english, foreign = cells[layout.english], cells[layout.foreign]
            yield SentencePair(plain_sentence(english), plain_sentence(foreign), code, path.name)
    say_unknown(path, unknown)
    bad.close()


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def _layout(path: Path, rows: Sequence[Cells], code: str | None) -> _Layout:
    """What the columns contain, judged by the first line and those below it."""
    if not rows:
        return _Layout()
    if len(rows[0]) < 2:
        raise InputError(
            f"{path}, line 1: two tab-separated columns (English, foreign) were expected"
        )
    body = rows[1:]
    if header := _header(rows[0], body):
        ignored = [cell for column, cell in enumerate(rows[0]) if column not in header]
        if ignored:
            logger.warning("%s: columns left out: %s", path, ", ".join(ignored))
        return _Layout(header=header, width=len(rows[0]), first=1)
    if code is None:
        raise UnknownLanguageError(
            f"{path}: the language can't be told; name the file like news.sw.tsv or give a "
            "header line of language codes"
        )
    titled = is_heading(rows[0])
    rows = body if titled and body else rows
    kinds = [_is_text(rows, column) for column in range(max(map(len, rows)))]
    texts = [column for column, is_text in enumerate(kinds) if is_text]
    if len(texts) < 2:
        numbers = ", ".join(str(column + 1) for column, is_text in enumerate(kinds) if not is_text)
        raise InputError(
            f"{path}: two columns of sentences were expected; column {numbers} has numbers or "
            "addresses"
        )
    english, foreign = texts[:2]
    if _is_swapped(path, rows, english, foreign, code):
        english, foreign = foreign, english
    if (english, foreign) != (0, 1):
        places = path, english + 1, code, foreign + 1
        logger.warning("%s: English is column %d, %s is column %d", *places)
    return _Layout(english, foreign, None, texts[1] + 1, int(titled and bool(body)))


def _header(cells: Cells, body: Sequence[Cells]) -> dict[int, str] | None:
    """Column -> code of a header such as `en sw so` or `id English Swahili`; None if it is none.

    Columns of unknown languages are kept: they are reported later.
    """
    plain = [cell.strip() for cell in cells]
    named = {column: _NAMES.get(cell.lower(), cell) for column, cell in enumerate(plain)}
    known = {column: code for column, code in named.items() if find_language(code)}
    # `id` is Indonesian, or a number.
    known = {column: code for column, code in known.items() if _is_text(body, column)}
    languages = {is_english(code) for code in known.values()}
    if languages != {True, False} or any(" " in cell for cell in plain):
        return None
    codes = {
        column: code
        for column, code in named.items()
        if re.fullmatch(r"[a-z]{2,3}([-_][A-Za-z0-9]+)*", code) and _is_text(body, column)
    }
    return codes | known


def is_heading(cells: Sequence[str]) -> bool:
    """Do cells name columns, by what is in them or by their languages' names?

    Examples:
        >>> is_heading(["source", "Swahili", "score"]), is_heading(["sea", "bahari"])
        (True, False)
    """
    return all(cell.strip().lower() in {*_HEADS, *_NAMES} or _is_score(cell) for cell in cells)


def _is_score(cell: str) -> bool:
    return bool(re.search(r"score|^(url|domain|date|user)", cell.strip(), re.IGNORECASE))


def _is_text(rows: Sequence[Cells], column: int) -> bool:
    """Does a column contain sentences, not numbers, addresses or one repeated code?"""
    cells = [row[column].strip() for row in rows if len(row) > column and row[column].strip()]
    if not cells:
        return len(rows) == 0 or column < min(map(len, rows))
    if len(cells) > 1 and len(set(cells)) == 1 and find_language(cells[0]):
        return False
    other = sum(bool(_NUMBER.fullmatch(cell) or _ADDRESS.fullmatch(cell)) for cell in cells)
    return other < MOSTLY * len(cells)


def _is_swapped(path: Path, rows: Sequence[Cells], first: int, second: int, code: str) -> bool:
    """Is the second of two columns the English one?

    Their content decides. If it is unclear, the order of the languages in the file's name does.
    """
    sides = [[row[c] for row in rows if len(row) > second] for c in (first, second)]
    script = language(code).script
    if script != "LATIN":
        shares = [sum(main_script(text) == script for text in side) for side in sides]
        if max(shares) > 4 * min(shares):
            return shares[0] > shares[1]
    words = [sum(len(_ENGLISH & set(text.lower().split())) for text in side) for side in sides]
    if max(words) > 4 * min(words) and max(words) > 2:
        return words[1] > words[0]
    named = [is_english(name) for name in named_languages(path)]
    return True in named and named.index(True) > 0 and max(words) == 0
