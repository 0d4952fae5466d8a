"""Queries with glosses: a query is asked as typed and glossed together.

A gloss replaces each word that a lexicon knows with its likeliest English translation. The other
words and the order stay. It needs no translator. An encoder that knows some of both languages reads
such a mixture better than words that it doesn't know, and the query as typed makes up for wrong
translations.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optical_core.data.corpus import Passage
from optical_core.data.lexicons import Lexicon, lexicon_hash
from optical_core.data.trec import Hits
from optical_core.data.words import fold, has_unspaced, word_spans, words
from optical_core.errors import InputError
from optical_core.retrieval.explain import TokenMatch
from optical_core.retrieval.searcher import Query, Searcher
from optical_core.retrieval.windows import Window

KNOWN = 0.4
"""Least share of a text's words that the lexicon of its language must know."""


class Glosses:
    """Makes glosses of texts, with the lexicon of their language.

    Examples:
        >>> glosses = Glosses({"sw": {"maji": {"water": 0.9}, "bahari": {"sea": 0.8}}})
        >>> glosses.gloss("Maji ya bahari?"), glosses.gloss("Sea water?")
        ('water ya sea?', 'Sea water?')
    """

    def __init__(self, lexicons: Mapping[str, Lexicon], *, language: str | None = None) -> None:
        """Keep each word's translation.

        Args:
            lexicons: language code -> lexicon with one translation of each word, see `likeliest`.
            language: language of every text; if None, each text's words decide, see `guess`.

        Raises:
            InputError: a word hasn't one translation.
        """
        ordered = dict(sorted(lexicons.items()))
        self.language = language
        self.hash = lexicon_hash(*ordered.values())
        self._english = {code: _translations(ordered[code], code) for code in ordered}
        self._english_words = {
            word for english in self._english.values() for word in english.values()
        }

    def guess(self, text: str) -> str | None:
        """Guess the language: the one whose lexicon knows most words of the text.

        None if no lexicon knows a share of `KNOWN`, or if as many words are English.
        """
        asked = words(text)
        counts = {
            code: sum(word in english for word in asked) for code, english in self._english.items()
        }
        best = max(counts, key=lambda code: counts[code], default=None)
        if best is None or counts[best] < max(KNOWN * len(asked), 1):
            return None
        return best if counts[best] > sum(word in self._english_words for word in asked) else None

    def gloss(self, text: str) -> str:
        """The text with each word replaced by its translation, if it has one."""
        code = self.language or self.guess(text)
        english = self._english.get(code or "", {})
        composed = unicodedata.normalize("NFC", text)
        parts, end = [], 0
        for span in word_spans(composed):
            gloss = english.get(fold(composed[span.start : span.end]))
            if gloss is None or span.start < end:
                continue
            parts += [composed[end : span.start], gloss if span.spaced else f" {gloss} "]
            end = span.end
        glossed = "".join([*parts, composed[end:]])
        return " ".join(glossed.split()) if has_unspaced(text) else glossed


def _translations(lexicon: Lexicon, code: str) -> dict[str, str]:
    """Each word's one translation."""
    try:
        return {word: english for word, (english,) in lexicon.items()}
    except ValueError as error:
        raise InputError(
            f"the lexicon of {code} hasn't one translation of each word: `optical gloss` keeps the "
            "likeliest"
        ) from error


@dataclass(frozen=True, eq=False)
class GlossedQuery(Query):
    """A query with its gloss.

    Attributes:
        parts: the query as typed, and its gloss.
    """

    parts: tuple[Query, ...] = ()

    @property
    def gloss(self) -> str:
        return self.parts[-1].text


class Glossed(Searcher):
    """Another searcher, whose queries are asked as typed and glossed together.

    The token vectors of both count in MaxSim. A searcher by words gets both texts as one. A query
    without a known word is asked as it is.

    Examples:
        >>> from optical_core.retrieval.bm25 import BM25
        >>> bm25 = BM25([Passage("p1", "", "The sea is salty."), Passage("p2", "", "Dry sand")])
        >>> searcher = Glossed(bm25, Glosses({"sw": {"bahari": {"sea": 0.9}}}))
        >>> [identifier for identifier, _ in searcher.search("bahari")], bm25.search("bahari")
        (['p1'], [])
    """

    def __init__(self, searcher: Searcher, glosses: Glosses) -> None:
        self.searcher = searcher
        self.glosses = glosses
        self.name = searcher.name
        self.explains = searcher.explains
        self.scale = searcher.scale
        self.weights = searcher.weights and f"{searcher.weights}-{glosses.hash}"

    @property
    def core(self) -> Searcher:
        return self.searcher.core

    @property
    def identity(self) -> str:
        return f"{self.searcher.identity} glossed {KNOWN} {self.glosses.hash}"

    def encode(self, queries: Sequence[str]) -> list[Query]:
        glosses = [self.glosses.gloss(query) for query in queries]
        changed = [other for query, other in zip(queries, glosses, strict=True) if query != other]
        encoded = iter(self.searcher.encode(changed) if changed else ())
        return [
            typed if typed.text == other else _both(typed, next(encoded))
            for typed, other in zip(self.searcher.encode(queries), glosses, strict=True)
        ]

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        return self.searcher.rank(queries, top=top, among=among)

    @property
    def windowed(self) -> bool:  # type: ignore[override]
        return self.searcher.windowed

    def window(self, query: Query, passage: Passage) -> Window | None:
        return self.searcher.window(query, passage)

    def explain(self, query: Query, passages: Sequence[Passage]) -> list[list[TokenMatch]]:
        """Matches of the query's tokens, then of the gloss's tokens."""
        parts = query.parts if isinstance(query, GlossedQuery) else (query,)
        explained = [self.searcher.explain(part, passages) for part in parts]
        return [
            [
                replace(match, gloss=number > 0)
                for number, matches in enumerate(of_one)
                for match in matches
            ]
            for of_one in zip(*explained, strict=True)
        ]


def _both(typed: Query, other: Query) -> Query:
    vectors = np.concatenate([typed.vectors, other.vectors])
    parts = replace(typed, whole=vectors), replace(other, whole=vectors)
    return GlossedQuery(f"{typed.text} {other.text}", vectors, parts=parts)
