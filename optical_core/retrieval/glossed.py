"""Queries asked twice at once: as typed, and with the words that a lexicon knows put in English.

A gloss needs no translator: each word's likeliest translation takes its place, the rest stays as
it is, and so does the order. An encoder that knows some of both languages reads such a mixture
better than the words that it doesn't know, and the query as typed makes up for wrong translations.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from optical_core.data.trec import Hits
from optical_core.retrieval.bm25 import word_pattern
from optical_core.retrieval.searcher import Query, Searcher
from optical_core.retrieval.structured_query import Lexicon, lexicon_hash

LEAST = 0.2
"""The probability that a translation must have to take a word's place."""


def gloss(text: str, lexicon: Lexicon) -> str:
    """A text with every word that has a translation of probability `LEAST` or more replaced by it.

    Examples:
        >>> gloss("Maji ya bahari?", {"maji": {"water": 0.9}, "bahari": {"sea": 0.8, "ocean": 0.2}})
        'water ya sea?'
    """

    def english(word: re.Match[str]) -> str:
        translations = lexicon.get(word.group().casefold(), {})
        best = max(translations, key=lambda english: (translations[english], english), default="")
        return best if best and translations[best] >= LEAST else word.group()

    return word_pattern().sub(english, unicodedata.normalize("NFC", text))


class Glossed(Searcher):
    """Another searcher, whose queries are asked as typed and glossed together.

    Token vectors of both count in MaxSim; a searcher by words gets both texts as one. A query
    without a known word is asked as it is.
    """

    def __init__(self, searcher: Searcher, lexicon: Lexicon) -> None:
        self.searcher = searcher
        self.lexicon = lexicon
        self.name = searcher.name
        self.weights = searcher.weights

    @property
    def identity(self) -> str:
        return f"{self.searcher.identity} glossed {LEAST} {lexicon_hash(self.lexicon)}"

    def encode(self, queries: Sequence[str]) -> list[Query]:
        glosses = [gloss(query, self.lexicon) for query in queries]
        changed = [other for query, other in zip(queries, glosses, strict=True) if query != other]
        encoded = iter(self.searcher.encode(changed) if changed else ())
        return [
            typed if typed.text == other else _both(typed, next(encoded))
            for typed, other in zip(self.searcher.encode(queries), glosses, strict=True)
        ]

    def rank(self, queries: Sequence[Query], *, top: int = 10) -> list[Hits]:
        return self.searcher.rank(queries, top=top)


def _both(typed: Query, other: Query) -> Query:
    vectors = np.concatenate([typed.vectors, other.vectors])
    return Query(f"{typed.text} {other.text}", vectors)
