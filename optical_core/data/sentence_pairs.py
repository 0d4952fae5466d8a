"""Parts that all bitext readers share: pairs, rows of several languages, bad lines, markup."""

from __future__ import annotations

import html
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from optical_core.data.languages import find_language, is_english, language
from optical_core.errors import InputError

logger = logging.getLogger(__name__)

BAD_SHARE = 0.01
"""Share of unreadable lines above which a file is refused."""
REGIONAL = frozenset({"ar", "de", "en", "es", "fr", "nl", "pt", "zh"})
"""Languages with more than one regional standard. For others, translation memories name a region
(sw-KE) that means nothing."""
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_INLINE = "a abbr b bdi bdo big bx code em ex font g i ins mark mrk ph pc q s small span strong sub"
_INLINE += r" sup tt u x xliff:g"
_BREAKS = "br div h[1-6] hr img li ol p td th tr ul"
_TAG = re.compile(
    rf"</?(?:(?P<inline>{'|'.join(_INLINE.split())})|{'|'.join(_BREAKS.split())})"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SentencePair:
    """An English sentence and its translation.

    Attributes:
        english: the English sentence.
        foreign: its translation.
        language: code of the translation's language.
        source: name of the file that they come from.
    """

    english: str
    foreign: str
    language: str
    source: str = ""


def plain_sentence(text: str) -> str:
    """Text without markup: HTML and XLIFF tags are removed, entities become characters.

    Examples:
        >>> plain_sentence("Press &lt;b&gt;Save&lt;/b&gt; &amp; go.<br/>Now, if a < b.")
        'Press Save & go. Now, if a < b.'
    """
    if "&" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    if "<" in text:
        text = _TAG.sub(lambda match: "" if match["inline"] else " ", text)
        text = " ".join(text.split())
    return text.strip()


def pair_language(code: str) -> str:
    """The language of a pair, without its region unless the region has a standard of its own.

    Examples:
        >>> pair_language("sw-KE"), pair_language("pt_br"), pair_language("zho_Hant")
        ('sw', 'pt-BR', 'zh-Hant')
    """
    known = language(code)
    if known.base in REGIONAL:
        return known.code
    parts = [part for part in known.code.split("-") if not re.fullmatch(r"[A-Z]{2}|\d{3}", part)]
    return "-".join(parts)


def row_pairs(
    row: Sequence[tuple[str, str]], source: str, unknown: Counter[str]
) -> Iterator[SentencePair]:
    """Pair every English text of a row with every foreign one.

    Args:
        row: (language code, text) of each text.
        source: name of the file.
        unknown: counts texts of unknown languages.

    Raises:
        InputError: the row has no English text.
    """
    known = []
    for code, text in row:
        if find_language(code) is None:
            unknown[code] += 1
        else:
            known.append((pair_language(code), plain_sentence(text)))
    english = [text for code, text in known if is_english(code)]
    if not english:
        raise InputError("no English text")
    for code, text in known:
        if not is_english(code):
            for side in english:
                yield SentencePair(side, text, code, source)


def say_unknown(path: Path, unknown: Counter[str]) -> None:
    """Warn of texts that were left out because their languages aren't known."""
    if unknown:
        counts = ", ".join(f"{code} {count:,}" for code, count in unknown.most_common(20))
        logger.warning("%s: left out, since their languages aren't known: %s", path, counts)


class BadLines:
    """Counts the unreadable lines of a file, and refuses it above BAD_SHARE."""

    def __init__(self, path: Path) -> None:
        self.path, self.bad, self.total, self.first = path, 0, 0, ""

    def report(self, number: int, reason: str) -> None:
        self.bad += 1
        self.first = self.first or f"line {number}: {reason}"
        logger.warning("%s, line %d: %s; passed over", self.path, number, reason)

    def close(self) -> None:
        if self.bad > BAD_SHARE * self.total:
            raise InputError(
                f"{self.path}: {self.bad} of {self.total} lines are unreadable (above 1 %), "
                f"the first at {self.first}"
            )
