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
from optical_core.storage import check_path
from optical_core.wording import counted


@dataclass(frozen=True)
class Bitext:
    """Pairs that passed the filters, and how many were dropped and why."""

    pairs: tuple[SentencePair, ...]
    dropped: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def languages(self) -> dict[str, int]:
        """Pairs of each language."""
        return dict(Counter(pair.language for pair in self.pairs))

    @property
    def hash(self) -> str:
        """BLAKE2b of the pairs in their order, 16 hexadecimal digits: which version it was."""
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
    """Letters, marks and digits as they are, a space for all else; filled as characters come."""

    def __missing__(self, code: int) -> int:
        self[code] = code if unicodedata.category(chr(code))[0] in "LMN" else ord(" ")
        return self[code]


_COMPARED = _Compared()


def normalise(sentence: str) -> str:
    """The form in which sentences are compared: NFKC, lower case, letters and digits alone.

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
            addresses passed over; or a header line of language codes or names, one column each,
            of which English pairs with every other.
            `NAME.en` beside `NAME.sw`, or `eng.txt` beside `swa.txt`: Moses.
            `*.tmx`, `*.tmx.zip`: TMX.
            `*.jsonl`: {"en": …, "sw": …} or {"english", "foreign", "language"}.
            A folder with `dataset_info.json`: a saved Hugging Face dataset with such columns.
        languages: keep these alone, with their regions; all by default. Unknown ones are left
            out with a warning.
        max_length_ratio: pairs whose lengths in characters differ by more are dropped.

    Raises InputError: nothing readable, an unknown language, more than 1 % bad lines.
    """
    return read_bitexts([path], languages, max_length_ratio=max_length_ratio)


def read_bitexts(
    paths: Iterable[Path | str],
    languages: Iterable[str] | None = None,
    *,
    max_length_ratio: float = 3.0,
) -> Bitext:
    """`read_bitext` of several files or folders, filtered one by one and joined.

    A language may lie in some of them alone; that none has any is an InputError.
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
        pairs = [
            pair
            for pair in read_file_or_folder(path)
            if wanted is None or _is_wanted(pair.language, wanted)
        ]
        read += len(pairs)
        part = filter_pairs(pairs, max_length_ratio=max_length_ratio)
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
    """Drop pairs that teach nothing or something wrong, counting each reason.

    empty, identical sides (untranslated), duplicate, length ratio, wrong script.
    """
    kept: list[SentencePair] = []
    dropped: Counter[str] = Counter()
    seen: set[tuple[str, str, str]] = set()
    for pair in pairs:
        english, foreign = normalise(pair.english), normalise(pair.foreign)
        key = (english, foreign, pair.language)
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
