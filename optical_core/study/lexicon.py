"""Lexicons from aligned bitext.

There are two aligners: `eflomal` (Östling and Tiedemann 2016; the optional extra `eflomal`), and
`ot`, our transport plans between an encoder's token vectors. Sentences are split into words as in
BM25. The model `psq@FOLDER` asks structured queries with the lexicons of FOLDER. Any other model
`NAME@FOLDER` asks its queries as typed and glossed (see `retrieval.glossed`).
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from optical_core.analysis.alignment_error import Link
from optical_core.data.languages import language, main_script
from optical_core.data.lexicons import Lexicon
from optical_core.data.sentence_pairs import SentencePair
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.bm25 import words
from optical_core.retrieval.glossed import Glosses
from optical_core.storage import replace_file
from optical_core.study.word_vectors import centred, encode_sides, linked_words, plan_between

Words = Sequence[str]
Aligner = Callable[[Sequence[tuple[Words, Words]]], list[list[Link]]]
"""(foreign, English) words of each pair -> its links; a link that occurs twice counts twice."""

COVERED = 0.95
"""A word's translations are kept, likeliest first, until they have this share together."""
SHARE = 0.5
"""Two words are linked if they share this part of the lighter word's mass."""
LAYER = 2 / 3
"""The layer that aligns words, as a share of the depth: 8 of 12 (see `optical align-quality`)."""


def build_lexicon(pairs: Sequence[tuple[Words, Words]], aligner: Aligner) -> Lexicon:
    """Build a lexicon from the links of sentence pairs.

    Args:
        pairs: (foreign, English) words of each pair.
        aligner: links the words.

    Returns:
        Foreign word -> English word -> probability. The likeliest translations are kept, and their
        probabilities add up to 1.

    Examples:
        >>> pairs = [(["bahari"], ["sea"]), (["chumvi"], ["salt"])]
        >>> build_lexicon(pairs, lambda pairs: [[(0, 0)] for _ in pairs])
        {'bahari': {'sea': 1.0}, 'chumvi': {'salt': 1.0}}
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for (foreign, english), links in zip(pairs, aligner(pairs), strict=True):
        for i, j in links:
            counts[foreign[i]][english[j]] += 1
    return {word: _covering(translations) for word, translations in sorted(counts.items())}


def _covering(counts: Counter[str]) -> dict[str, float]:
    """Keep the likeliest translations up to COVERED; their probabilities then add up to 1."""
    total, kept, reached = counts.total(), {}, 0
    for english, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        kept[english] = count
        reached += count
        if reached >= COVERED * total:
            break
    return {english: count / reached for english, count in kept.items()}


def eflomal_aligner() -> Aligner:
    """Make an aligner that joins eflomal's links of both directions; common links count twice.

    eflomal takes no seed, so two runs differ a little.

    Raises:
        InputError: the extra `eflomal` isn't installed.
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
    """Make an aligner that links words by transport plans between an encoder's token vectors."""
    layer = round(LAYER * encoder.layers)

    def align(pairs: Sequence[tuple[Words, Words]]) -> list[list[Link]]:
        foreign, english = ([" ".join(pair[side]) for pair in pairs] for side in (0, 1))
        sides = [encode_sides(encoder, texts, [layer]) for texts in (foreign, english)]
        mean = np.concatenate([s.states[0] for side in sides for s in side]).mean(0)
        links = []
        for a, b in zip(*sides, strict=True):
            cost = 1 - centred(a.states[0], mean) @ centred(b.states[0], mean).T
            words = plan_between(cost, a.words, b.words).words()
            links.append(sorted(linked_words(words, share=SHARE)))
        return links

    return align


def glossed_pairs(pairs: Sequence[SentencePair], aligner: Aligner) -> list[SentencePair]:
    """Gloss the foreign side of one language's pairs, to train a glossed student.

    Each half is glossed with a lexicon built from the other half, so a gloss is as incomplete as a
    query's. Pairs without a known word are left out.
    """
    halves = pairs[0::2], pairs[1::2]
    lexicons = [
        build_lexicon(sentence_words((p.foreign, p.english) for p in half), aligner)
        for half in halves
    ]
    made = []
    for half, lexicon in zip(halves, reversed(lexicons), strict=True):
        for pair in half:
            gloss = Glosses({pair.language: lexicon}, language=pair.language).gloss(pair.foreign)
            if gloss != pair.foreign:
                made.append(replace(pair, foreign=gloss, language=_written(pair.language, gloss)))
    return made


def _written(code: str, text: str) -> str:
    """Return a text's language code, with -Latn if English words outnumber those of its script."""
    return code if main_script(text) in (None, language(code).script) else f"{code}-Latn"


def write_pairs(folder: Path, pairs: Sequence[SentencePair]) -> None:
    """Write `glossed.<language>.tsv` for each language of the pairs, in a form of bitext."""
    for code in sorted({pair.language for pair in pairs}):
        with replace_file(folder / f"glossed.{code}.tsv") as path:
            rows = (f"{p.english}\t{p.foreign}\n" for p in pairs if p.language == code)
            path.write_text(f"en\t{code}\n" + "".join(rows), encoding="utf-8")


def sentence_words(pairs: Iterable[tuple[str, str]]) -> list[tuple[list[str], list[str]]]:
    """Split (foreign, English) sentences into BM25's words; pairs without any are left out."""
    cut = ((words(foreign), words(english)) for foreign, english in pairs)
    return [(foreign, english) for foreign, english in cut if foreign and english]
