"""Lexicons for structured queries: p(English word | foreign word) from aligned bitext.

Two aligners: `eflomal` (Östling and Tiedemann 2016; the optional extra `eflomal`), and `ot`, our
transport plans between the token vectors of an encoder. Sentences are cut into the words that
BM25 knows. A lexicon is a file `<language>.tsv`: foreign word, English word, probability. The
model `psq@FOLDER` asks structured queries with the lexicons of FOLDER; any other `NAME@FOLDER`
asks its queries as typed and glossed (see `retrieval.glossed`).
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from optical_core.analysis.alignment_error import Link
from optical_core.checksums import check_noted, replace_noted
from optical_core.data.compression import on_disk
from optical_core.data.language_files import file_of
from optical_core.data.languages import is_english, language
from optical_core.data.lines import read_lines
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.bm25 import words
from optical_core.retrieval.structured_query import Lexicon
from optical_core.study.word_vectors import centred, encode_sides, linked_words, plan_between

Words = Sequence[str]
Aligner = Callable[[Sequence[tuple[Words, Words]]], list[list[Link]]]
"""(foreign, English) words of each pair -> its links; one that comes twice counts twice."""

COVERED = 0.95
"""A word's translations are kept from the likeliest on until they have this share together."""
SHARE = 0.5
"""Of the lighter word's mass, that makes two words a link of a plan."""
LAYER = 2 / 3
"""Which layer aligns words, as a share of the depth: 8 of 12 (see `optical align-quality`)."""


def build_lexicon(pairs: Sequence[tuple[Words, Words]], aligner: Aligner) -> Lexicon:
    """Count the links of (foreign, English) word lists and turn the counts into probabilities."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for (foreign, english), links in zip(pairs, aligner(pairs), strict=True):
        for i, j in links:
            counts[foreign[i]][english[j]] += 1
    return {word: _covering(found) for word, found in sorted(counts.items())}


def _covering(counts: Counter[str]) -> dict[str, float]:
    """The likeliest translations up to COVERED, their probabilities adding up to one."""
    total, kept, reached = counts.total(), {}, 0
    for english, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        kept[english] = count
        reached += count
        if reached >= COVERED * total:
            break
    return {english: count / reached for english, count in kept.items()}


def eflomal_aligner() -> Aligner:
    """Links that eflomal finds, of both directions together: what both find counts twice.

    eflomal takes no seed: two runs differ a little. Raises InputError without its package.
    """
    try:
        import eflomal
    except ImportError as error:
        raise InputError(
            'the aligner eflomal is an optional extra: pip install "optical-workbench[eflomal]"'
        ) from error

    def align(pairs: Sequence[tuple[Words, Words]]) -> list[list[Link]]:
        with tempfile.TemporaryDirectory() as folder:
            forward, backward = Path(folder) / "forward", Path(folder) / "backward"
            eflomal.Aligner().align(
                [" ".join(foreign) for foreign, _ in pairs],
                [" ".join(english) for _, english in pairs],
                links_filename_fwd=str(forward),
                links_filename_rev=str(backward),
            )
            read = [
                [_links(line) for line in path.read_text().splitlines()]
                for path in (forward, backward)
            ]
        return [one + other for one, other in zip(*read, strict=True)]

    return align


def _links(line: str) -> list[Link]:
    parts = (part.split("-") for part in line.split())
    return [(int(i), int(j)) for i, j in parts]


def ot_aligner(encoder: TokenEncoder) -> Aligner:
    """Links of the transport plans between an encoder's token vectors."""

    layer = round(LAYER * encoder.layers)

    def align(pairs: Sequence[tuple[Words, Words]]) -> list[list[Link]]:
        foreign, english = ([" ".join(pair[side]) for pair in pairs] for side in (0, 1))
        sides = [encode_sides(encoder, texts, [layer]) for texts in (foreign, english)]
        mean = np.concatenate([s.states[0] for side in sides for s in side]).mean(0)
        found = []
        for a, b in zip(*sides, strict=True):
            cost = 1 - centred(a.states[0], mean) @ centred(b.states[0], mean).T
            words = plan_between(cost, a.words, b.words).words()
            found.append(sorted(linked_words(words, share=SHARE)))
        return found

    return align


def write_lexicon(path: Path, lexicon: Lexicon) -> None:
    """Write a lexicon as TSV, whole or not at all."""
    with replace_noted(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for word, translations in lexicon.items():
            for english, share in translations.items():
                file.write(f"{word}\t{english}\t{share:.6g}\n")


def read_lexicon(path: Path) -> Lexicon:
    """Read a lexicon; InputError names the line that is no word, word and probability."""
    path = on_disk(path)
    if not path.is_file():
        raise InputError(f"no lexicon: {path} was expected, as `optical lexicon` writes it")
    check_noted(path)
    found: dict[str, dict[str, float]] = {}
    for number, line in read_lines(path):
        columns = line.split("\t")
        try:
            word, english, share = columns[0], columns[1], float(columns[2])
            if len(columns) != 3 or not 0 < share <= 1:
                raise ValueError
        except (IndexError, ValueError) as error:
            raise InputError(
                f"{path}, line {number}: foreign word, English word and a probability in (0, 1] "
                "were expected, separated by tabs"
            ) from error
        if english in found.setdefault(word, {}):
            raise InputError(f"{path}, line {number}: {word!r} has {english!r} twice")
        found[word][english] = share
    return found


def lexicon_of(folder: Path, code: str) -> Lexicon:
    """A folder's lexicon of a query language, or of the one that it is a variant of.

    English words stand for themselves.
    """
    path = file_of(folder, code, ".tsv") or file_of(folder, language(code).base, ".tsv")
    if path is None and is_english(code):
        return {}
    return read_lexicon(path or folder / f"{code}.tsv")


def has_lexicons(folder: Path, languages: Iterable[str]) -> bool:
    """Has a folder a lexicon of one of the languages, and none of its queries translated?"""

    def holds(suffix: str) -> bool:
        return any(file_of(folder, code, suffix) for code in languages)

    return folder.is_dir() and holds(".tsv") and not holds(".jsonl")


def sentence_words(pairs: Iterable[tuple[str, str]]) -> list[tuple[list[str], list[str]]]:
    """(foreign, English) sentences as the words that BM25 knows; pairs without any are left out."""
    cut = ((words(foreign), words(english)) for foreign, english in pairs)
    return [(foreign, english) for foreign, english in cut if foreign and english]
