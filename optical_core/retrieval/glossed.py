"""Queries with glosses: a query is asked as typed and glossed together.

A gloss replaces each word that a lexicon knows with its likeliest English translation. The other
words and the order stay. It needs no translator. An encoder that knows some of both languages reads
such a mixture better than words that it doesn't know, and the query as typed makes up for wrong
translations.

The gloss counts more in languages that are unfamiliar to the encoder. There, an unknown word has
the translation of the words near it in spelling, unless a capital says that it may be a name. Where
a word is asked in both, its typed tokens count `TYPED`. An English word that translates many words,
as "the" does, says little and counts less (see `COMMON`). Punctuation counts nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from optical_core.data.corpus import Passage
from optical_core.data.lexicons import Lexicon, lexicon_hash
from optical_core.data.trec import Hits
from optical_core.data.words import fold, word_spans, words
from optical_core.errors import InputError
from optical_core.models.tokens import Token
from optical_core.retrieval.explain import TokenMatch
from optical_core.retrieval.near_words import LEAST, NearWords
from optical_core.retrieval.searcher import Query, Searcher
from optical_core.retrieval.windows import Window

KNOWN = 0.4
"""Least share of a text's words that the lexicon of its language must know."""
AGREED = 0.2
"""Least share of the near words' votes that their translation must have."""
SHARPNESS = 4
"""A near word's vote is its translation's probability, times its cosine to this power."""
TYPED = 0.5
"""Weight of a typed token whose word the gloss has in English."""
COMMON = 0.3
"""A word counts (1 + n) ** -COMMON if its translation is that of n words of the lexicon."""


class Swap(NamedTuple):
    """A word that a gloss has in English.

    Attributes:
        typed: (begin, end) of the word in the text.
        english: (begin, end) of its translation in the gloss.
        weight: of the translation's tokens.
    """

    typed: tuple[int, int]
    english: tuple[int, int]
    weight: float


@dataclass(frozen=True)
class Gloss:
    """A text's gloss.

    Attributes:
        text: the gloss.
        swaps: the words that are in English, in order; none if the gloss is the text.
        weighed: do tokens count differently?
    """

    text: str
    swaps: tuple[Swap, ...] = ()
    weighed: bool = False


class Glosses:
    """Makes glosses of texts, with the lexicon of their language.

    Examples:
        >>> glosses = Glosses({"sw": {"maji": {"water": 0.9}, "bahari": {"sea": 0.8}}})
        >>> glosses.gloss("Maji ya bahari?").text, glosses.gloss("Sea water?").text
        ('water ya sea?', 'Sea water?')
    """

    def __init__(
        self,
        lexicons: Mapping[str, Lexicon],
        *,
        language: str | None = None,
        unfamiliar: Collection[str] = (),
    ) -> None:
        """Keep each word's translation.

        Args:
            lexicons: language code -> lexicon with one translation of each word, see `likeliest`.
            language: language of every text; if None, each text's words decide, see `guess`.
            unfamiliar: languages that the encoder hardly knows.

        Raises:
            InputError: a word hasn't one translation.
        """
        ordered = dict(sorted(lexicons.items()))
        self.language = language
        self.unfamiliar = frozenset(unfamiliar) & ordered.keys()
        self.hash = lexicon_hash(*ordered.values())
        self._lexicons = ordered
        self._english = {code: _translations(ordered[code], code) for code in ordered}
        self._english_words = {
            word for english in self._english.values() for word in english.values()
        }
        self._common = {code: Counter(self._english[code].values()) for code in ordered}
        self._near: dict[str, NearWords] = {}

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

    def gloss(self, text: str) -> Gloss:
        """The text with each word replaced by its translation, if it has one."""
        code = self.language or self.guess(text)
        if code not in self._english:
            return Gloss(text)
        glossed, end, apart = "", 0, False
        swaps = []
        for span in word_spans(text):
            word = text[span.start : span.end]
            english = None if span.start < end else self._translated(word, code)
            if english is None:
                continue
            glossed = _joined(glossed, text[end : span.start], apart=apart)
            apart, end = not span.spaced, span.end
            glossed = _joined(glossed, english, apart=apart)
            place = len(glossed) - len(english), len(glossed)
            weight = (1 + self._common[code][english]) ** -COMMON
            swaps.append(Swap((span.start, end), place, weight))
        glossed = _joined(glossed, text[end:], apart=apart)
        if glossed == text:
            return Gloss(text)
        return Gloss(glossed, tuple(swaps), code in self.unfamiliar)

    @property
    def method(self) -> str:
        """Names how glosses are made and asked: part of a searcher's identity."""
        weighed = (*sorted(self.unfamiliar), LEAST, AGREED, SHARPNESS, TYPED, COMMON)
        return " ".join(map(str, (KNOWN, *(weighed if self.unfamiliar else ()), self.hash)))

    def _translated(self, word: str, code: str) -> str | None:
        english = self._english[code].get(fold(word))
        if english is None and code in self.unfamiliar and not word[0].isupper():
            return self._of_near_words(fold(word), code)
        return english

    def _of_near_words(self, word: str, code: str) -> str | None:
        """The translation that most near words have; None if there are none, or they disagree."""
        if code not in self._near:
            self._near[code] = NearWords(list(self._english[code]))
        votes: dict[str, float] = defaultdict(float)
        for near, cosine in self._near[code].nearest(word):
            for english, share in self._lexicons[code][near].items():
                votes[english] += share * cosine**SHARPNESS
        best = max(votes, key=lambda english: votes[english], default="")
        return best if best and votes[best] >= AGREED * sum(votes.values()) else None


def _joined(left: str, right: str, *, apart: bool) -> str:
    """Two pieces of a text, with a space between if they must stand apart and none is there."""
    touching = left and right and not left[-1].isspace() and not right[0].isspace()
    return f"{left} {right}" if apart and touching else left + right


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

    The token vectors of both count in MaxSim; those that count less are shorter. A searcher by
    words gets both texts as one. A query without a known word is asked as it is.

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
        self.weights = searcher.weights and f"{searcher.weights}-{glosses.method}"

    @property
    def core(self) -> Searcher:
        return self.searcher.core

    @property
    def identity(self) -> str:
        return f"{self.searcher.identity} glossed {self.glosses.method}"

    def encode(self, queries: Sequence[str]) -> list[Query]:
        glosses = [self.glosses.gloss(query) for query in queries]
        changed = [gloss.text for gloss in glosses if gloss.swaps]
        encoded = iter(self.searcher.encode(changed) if changed else ())
        return [
            self._both(typed, gloss, next(encoded)) if gloss.swaps else typed
            for typed, gloss in zip(self.searcher.encode(queries), glosses, strict=True)
        ]

    def _both(self, typed: Query, gloss: Gloss, other: Query) -> Query:
        """One query of a query as typed and its gloss."""
        swapped = [(swap.typed, TYPED * swap.weight) for swap in gloss.swaps]
        english = [(swap.english, swap.weight) for swap in gloss.swaps]
        halves = [
            _weighted(query, self.searcher.query_tokens(query.text), weights)
            if gloss.weighed
            else query
            for query, weights in ((typed, swapped), (other, english))
        ]
        vectors = np.concatenate([half.vectors for half in halves])
        parts = tuple(replace(half, whole=vectors) for half in halves)
        return GlossedQuery(f"{typed.text} {other.text}", vectors, parts=parts)

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


def _weighted(
    query: Query, tokens: Sequence[Token], counts: Sequence[tuple[tuple[int, int], float]]
) -> Query:
    """A query with vectors as long as its tokens count: `counts` has words' places and weights."""
    if not len(query.vectors):
        return query
    weights = np.ones((len(query.vectors), 1), np.float32)
    for row, token in enumerate(tokens):
        if token.role == "punctuation":
            weights[row] = 0
        for (begin, end), weight in counts:
            if token.start < end and begin < token.end:
                weights[row] = weight
    return replace(query, vectors=query.vectors * weights)
