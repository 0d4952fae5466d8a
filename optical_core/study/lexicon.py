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
from pathlib import Path

import numpy as np

from optical_core.analysis.alignment_error import Link
from optical_core.data.lexicons import Lexicon
from optical_core.data.words import words
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
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


def sentence_words(pairs: Iterable[tuple[str, str]]) -> list[tuple[list[str], list[str]]]:
    """Split (foreign, English) sentences into BM25's words; pairs without any are left out."""
    cut = ((words(foreign), words(english)) for foreign, english in pairs)
    return [(foreign, english) for foreign, english in cut if foreign and english]
