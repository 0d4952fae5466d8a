"""Bitext: sentence pairs (English, foreign), read, filtered and joined."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from optical_core.data.bitext_files import read_file_or_folder
from optical_core.data.languages import is_english, language, main_script, matching
from optical_core.data.sentence_pairs import SentencePair, pair_language
from optical_core.errors import InputError
from optical_core.paths import check_path
from optical_core.wording import counted


@dataclass(frozen=True)
class Bitext:
    """Sentence pairs that passed the filters.

    Attributes:
        pairs: the pairs, in the order of their files.
        dropped: reason -> number of pairs that were dropped for it.

    Examples:
        >>> from optical_core.data import SentencePair, filter_pairs
        >>> pair = SentencePair("The sea is salty.", "Bahari ina chumvi.", "sw")
        >>> bitext = filter_pairs([pair, pair])
        >>> len(bitext), bitext.languages, bitext.report()
        (1, {'sw': 1}, '1 pair kept (sw 1); dropped: duplicate 1')
    """

    pairs: tuple[SentencePair, ...]
    dropped: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def languages(self) -> dict[str, int]:
        """Number of pairs in each language."""
        return dict(Counter(pair.language for pair in self.pairs))

    @property
    def hash(self) -> str:
        """BLAKE2b of the pairs in their order, 16 hexadecimal digits: tells versions apart."""
        digest = hashlib.blake2b(digest_size=8)
        for pair in self.pairs:
            digest.update(f"{pair.language}\0{pair.english}\0{pair.foreign}\0".encode())
        return digest.hexdigest()

    def report(self) -> str:
        """One line: what was kept, what was dropped and why."""
        kept = ", ".join(f"{code} {count:,}" for code, count in sorted(self.languages.items()))
        dropped = ", ".join(f"{reason} {count:,}" for reason, count in self.dropped.items())
        return f"{counted(len(self), 'pair')} kept ({kept or 'none'}); dropped: {dropped or 'none'}"


class _Compared(dict[int, int]):
    """Letters, marks and digits stay, all else becomes a space; filled as characters come."""

    def __missing__(self, code: int) -> int:
        self[code] = code if unicodedata.category(chr(code))[0] in "LMN" else ord(" ")
        return self[code]


_COMPARED = _Compared()


def normalise(sentence: str) -> str:
    """The form in which sentences are compared: NFKC, lower case, only letters and digits.

    Examples:
        >>> normalise("Maji ya  BAHARI ni chumvi!")
        'maji ya bahari ni chumvi'
    """
    folded = unicodedata.normalize("NFKC", sentence).casefold()
    return " ".join(folded.translate(_COMPARED).split())


def read_bitext(
    path: Path | str, languages: Iterable[str] | None = None, *, max_length_ratio: float = 3.0
) -> Bitext:
    """Read bitext of any known form and filter it.

    Args:
        path: a file, or a folder of them. The form follows from the name:
            `*.tsv`, `*.txt`: English and foreign in two columns, the language from the name's
            last part before the suffix (`news.sw.tsv`, `eng-swa.tsv`), columns of numbers and
            addresses passed over; or a header line of language codes or names, one for each column.
            English is then paired with every other column.
            `NAME.en` beside `NAME.sw`, or `eng.txt` beside `swa.txt`, with codes in any form:
            Moses.
            `*.tmx`, `*.tmx.zip`: TMX.
            `*.jsonl`: {"en": …, "sw": …} or {"english", "foreign", "language"}.
            A folder with `dataset_info.json`: a saved Hugging Face dataset with such columns.
        languages: keep only these, with their regions; all by default. Unknown languages in a file
            are left out with a warning.
        max_length_ratio: pairs whose lengths in characters differ by more are dropped.

    Raises:
        InputError: there is nothing readable, `languages` has an unknown code, or more than 1 % of
            the lines are bad.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "sea.sw.tsv")
        ...     _ = path.write_text("The sea is salty.\\tBahari ina chumvi.\\n")
        ...     read_bitext(path).report()
        '1 pair kept (sw 1); dropped: none'
    """
    return read_bitexts([path], languages, max_length_ratio=max_length_ratio)


def read_bitexts(
    paths: Iterable[Path | str],
    languages: Iterable[str] | None = None,
    *,
    max_length_ratio: float = 3.0,
) -> Bitext:
    """Read several files or folders with `read_bitext`, filter each, and join them.

    Raises:
        InputError: as for `read_bitext`, or no file has any of the languages. A language may be
            missing from some of the files.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     paths = Path(folder, "sea.sw.tsv"), Path(folder, "sea.so.tsv")
        ...     _ = paths[0].write_text("The sea is salty.\\tBahari ina chumvi.\\n")
        ...     _ = paths[1].write_text("The sea is salty.\\tBaddu waa cusbo.\\n")
        ...     read_bitexts(paths).languages
        {'sw': 1, 'so': 1}
    """
    wanted = {pair_language(code) for code in languages} if languages else None
    joined: list[SentencePair] = []
    dropped: Counter[str] = Counter()
    read = 0
    names = []
    for path in map(Path, paths):
        names.append(str(path))
        check_path(path)
        if not path.exists():
            raise InputError(f"no such bitext file or folder: {path}")
        pairs = (
            pair
            for pair in read_file_or_folder(path)
            if wanted is None or _is_wanted(pair.language, wanted)
        )
        part = filter_pairs(pairs, max_length_ratio=max_length_ratio)
        read += len(part) + sum(part.dropped.values())
        joined.extend(part.pairs)
        dropped.update(part.dropped)
    if not read:
        asked = f" in {', '.join(sorted(wanted))}" if wanted else ""
        raise InputError(f"no sentence pairs{asked} in {', '.join(names)}")
    return Bitext(tuple(joined), dict(dropped))


def _is_wanted(code: str, wanted: Iterable[str]) -> bool:
    """Is it one of the languages, or a region of one?"""
    return code in wanted or any(matching(other, [code]) for other in wanted)


def filter_pairs(pairs: Iterable[SentencePair], *, max_length_ratio: float = 3.0) -> Bitext:
    """Drop pairs that teach nothing or something wrong, and count each reason.

    The reasons: empty, identical (both sides are the same: untranslated), duplicate, length ratio,
    wrong script.

    Args:
        pairs: the pairs to filter.
        max_length_ratio: pairs whose lengths in characters differ by more are dropped.

    Examples:
        >>> pairs = [SentencePair("Salt", "Salt", "sw"), SentencePair("Salt", "Chumvi", "sw")]
        >>> filter_pairs(pairs).dropped
        {'identical': 1}
    """
    kept: list[SentencePair] = []
    dropped: Counter[str] = Counter()
    seen: set[bytes] = set()  # digests: the texts would take as much memory as the pairs
    for pair in pairs:
        english, foreign = normalise(pair.english), normalise(pair.foreign)
        text = f"{pair.language}\0{english}\0{foreign}".encode("utf-8", "surrogatepass")
        key = hashlib.blake2b(text, digest_size=16).digest()
        shorter, longer = sorted((len(english), len(foreign)))
        script = main_script(pair.foreign)
        if not english or not foreign:
            dropped["empty"] += 1
        elif english == foreign and not is_english(pair.language):
            dropped["identical"] += 1
        elif key in seen:
            dropped["duplicate"] += 1
        elif longer > 15 and longer > max_length_ratio * shorter:
            dropped["length ratio"] += 1
        elif script is not None and script != language(pair.language).script:
            dropped["wrong script"] += 1
        else:
            seen.add(key)
            kept.append(pair)
    return Bitext(tuple(kept), dict(dropped))
