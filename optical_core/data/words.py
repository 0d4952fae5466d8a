"""Words of a text in any script: what BM25, lexicons, glosses and word views take for a word.

A word is a run of letters, marks and digits. In scripts that are written without spaces, runs are
cut by ICU's dictionaries (`icu4py`, the extra `words`), as Lucene's ICUTokenizer cuts them. Without
that package they are cut into pairs of neighbouring characters, as by Lucene's CJKBigramFilter.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from importlib import metadata
from itertools import accumulate, pairwise
from typing import NamedTuple

logger = logging.getLogger(__name__)

_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59"  # Thai
    "\u0e81-\u0edf"  # Lao
    "\u1000-\u1049\u1050-\u109f\ua9e0-\ua9fe\uaa60-\uaa7f"  # Burmese
    "\u1780-\u17d3\u17d7\u17dc-\u17f9"  # Khmer
    "\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
)
"""Characters of the scripts without spaces that ICU has dictionaries of."""
# Full-width letters and half-width kana are other characters at another width.
_WIDTHS = {
    code: unicodedata.normalize("NFKC", chr(code))
    for code in (*range(0xFF01, 0xFF5F), *range(0xFF66, 0xFFA0))
}

_ASCII = re.compile(r"\w+(?:'\w+)*", re.ASCII)
"""A word of a text in ASCII, as most English texts are: the same words, found much faster."""
Cut = Callable[[str], list[tuple[int, int]]]
"""Cuts a run of characters: (begin, end) of each word."""


class Span(NamedTuple):
    """Where a word is in a text.

    Attributes:
        start: of its first character.
        end: after its last character.
        spaced: is its script written with spaces between words?
    """

    start: int
    end: int
    spaced: bool


def words(text: str) -> list[str]:
    """Words in lower case: letters with their marks, and digits; apostrophes stay inside.

    Examples:
        >>> words("सूर्य ग्रहण, 2024: Mo̱ ń lọ; ng'ombe")
        ['सूर्य', 'ग्रहण', '2024', 'mo̱', 'ń', 'lọ', "ng'ombe"]
        >>> words("海水是咸的")  # doctest: +SKIP
        ['海水', '是', '咸', '的']
    """
    folded = fold(text)
    if folded.isascii():
        return _ASCII.findall(folded)
    word, run = _patterns()
    if not run.search(folded):
        return word.findall(folded)
    return [folded[span.start : span.end] for span in word_spans(folded)]


def fold(text: str) -> str:
    """A text in the form in which words are compared: lower case, composed, of normal width.

    Examples:
        >>> fold("ＮＨＫ Straße")
        'nhk strasse'
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text.translate(_WIDTHS)).casefold()


def word_spans(text: str) -> list[Span]:
    """Where the words of a text are, in order; pairs of characters overlap.

    Examples:
        >>> [span[:2] for span in word_spans("Hello, world")]
        [(0, 5), (7, 12)]
    """
    return _spans(text, _told_pairs)


def _spans(text: str, otherwise: Callable[[], Cut]) -> list[Span]:
    """The words' spans; without ICU, scripts without spaces are cut as `otherwise` says."""
    word, run = _patterns()
    if not run.search(text):
        return [Span(*found.span(), True) for found in word.finditer(text)]
    spans: list[Span] = []
    cut = _icu() or otherwise()
    for found in word.finditer(text):
        end = found.start()
        for unspaced in run.finditer(text, *found.span()):
            if end < unspaced.start():
                spans.append(Span(end, unspaced.start(), True))
            start, end = unspaced.span()
            spans += [Span(start + a, start + b, False) for a, b in cut(unspaced[0])]
        if end < found.end():
            spans.append(Span(end, found.end(), True))
    return spans


def word_starts(text: str) -> list[int]:
    """Where the words of a text begin, for views of it that leave nothing out.

    Words are separated by white space, or cut as in `words` (into characters without ICU).
    Punctuation belongs to the word before it, an opening bracket or quote to the one after it.

    Examples:
        >>> word_starts("(Sea, salt)")
        [0, 6]
    """
    starts = {found.start() for found in re.finditer(r"\S+", text)}
    for before, span in pairwise(_spans(text, lambda: _characters)):
        start = span.start
        if (before.spaced and span.spaced) or re.search(r"\s", text[before.end : start]):
            continue
        while start > before.end and unicodedata.category(text[start - 1]) in ("Ps", "Pi"):
            start -= 1
        starts.add(start)
    return sorted(starts)


def has_unspaced(text: str) -> bool:
    """Has a text characters of a script that is written without spaces?

    Examples:
        >>> has_unspaced("海水 sea"), has_unspaced("समुद्र")
        (True, False)
    """
    return _patterns()[1].search(text) is not None


def knows_words() -> bool:
    """Are scripts without spaces cut into words, or else into pairs of characters?"""
    return _icu() is not None


def word_rules() -> str:
    """What cuts scripts without spaces: part of the identity of what is made from words."""
    return f"icu4py {metadata.version('icu4py')}" if knows_words() else "pairs of characters"


PAIRS = (
    "scripts without spaces (Thai, Khmer, Lao, Burmese, Chinese, Japanese) are cut into pairs of "
    'characters; pip install "optical-workbench[words]" cuts them into words'
)
"""What is said of pairs of characters."""


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The patterns of a word, and of a run of it in scripts without spaces."""
    # Python's \w knows letters and digits but not combining marks (vowel signs, tone marks).
    marks = "".join(
        chr(code) for code in range(0x300, 0x1E000) if unicodedata.category(chr(code))[0] == "M"
    )
    joined = f"{marks}\u200c\u200d"
    inside = rf"[\w{joined}]"
    word = rf"{inside}+(?:['’ʼ]{inside}+)*"
    return re.compile(word), re.compile(rf"[{_UNSPACED}][{_UNSPACED}{joined}]*")


@lru_cache(maxsize=1)
def _icu() -> Cut | None:
    """ICU's cut; None without its package."""
    try:
        from icu4py.breakers import WordBreaker
    except ImportError:
        return None

    def cut(run: str) -> list[tuple[int, int]]:
        # Its own offsets count UTF-16 units.
        ends = accumulate(map(len, WordBreaker(run, "en")), initial=0)
        return list(pairwise(ends))

    return cut


@lru_cache(maxsize=1)
def _told_pairs() -> Cut:
    """The cut into pairs of characters; it is told once a process."""
    logger.warning("%s", PAIRS)
    return _pairs


def _pairs(run: str) -> list[tuple[int, int]]:
    """Pairs of neighbouring characters, each with its marks; a lone one is alone."""
    alone = _characters(run)
    return [(a, b) for (a, _), (_, b) in pairwise(alone)] or alone


def _characters(run: str) -> list[tuple[int, int]]:
    """Characters, each with its marks."""
    starts = [
        position
        for position, character in enumerate(run)
        if not position
        or (character not in "\u200c\u200d" and unicodedata.category(character)[0] != "M")
    ]
    return list(pairwise([*starts, len(run)]))
