"""Probabilistic structured queries: BM25 whose query terms are distributions over English words.

A query word f counts in a passage as the sum over its translations,
`tf(f, D) = sum_e p(e|f) tf(e, D)`, and so does its document frequency,
`df(f) = sum_e p(e|f) df(e)`. BM25 then weighs f as if it were one word (Darwish and Oard 2003,
"Probabilistic structured query methods", section 3).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from copy import copy

import numpy as np
from scipy.sparse import csc_array

from optical_core.data.collection import Passage
from optical_core.data.lexicons import Lexicon, lexicon_hash
from optical_core.data.trec import Hits, best_first
from optical_core.data.words import words
from optical_core.retrieval.bm25 import WORDS, eligible_passages
from optical_core.retrieval.searcher import Query, Searcher
from optical_core.retrieval.terms import Terms

K1, B = 1.5, 0.75


class StructuredQueries(Searcher):
    """Lucene's BM25 (k1 1.5, b 0.75, as `bm25` has it) over structured queries, in memory.

    A word that the lexicon lacks stands for itself, as names and numbers often do. Passages without
    any translation are left out. With stems, the translations with one stem count together.

    Examples:
        >>> passages = [Passage("p1", "", "The sea is salty."), Passage("p2", "", "Dry sand")]
        >>> psq = StructuredQueries(passages, {"chumvi": {"salt": 0.6, "salty": 0.4}})
        >>> [identifier for identifier, _ in psq.search("chumvi")]
        ['p1']
    """

    family = "psq"

    def __init__(self, passages: Iterable[Passage], lexicon: Lexicon, terms: Terms = WORDS) -> None:
        self.name = f"{self.family}{terms.suffix}"
        self.lexicon = lexicon
        self.terms = terms
        self.ids: list[str] = []
        self._columns: dict[str, int] = {}
        counts: list[int] = []
        rows: list[int] = []
        columns: list[int] = []
        lengths: list[int] = []
        for row, passage in enumerate(passages):
            self.ids.append(passage.id)
            counted = Counter(terms.of_text(passage.full_text))
            lengths.append(counted.total())
            for term, count in counted.items():
                rows.append(row)
                columns.append(self._columns.setdefault(term, len(self._columns)))
                counts.append(count)
        shape = (len(self.ids), len(self._columns))
        self._frequency = csc_array((np.array(counts, np.float64), (rows, columns)), shape=shape)
        self._documents = np.diff(self._frequency.indptr).astype(np.float64)
        length = np.array(lengths, np.float64)
        self._norm = K1 * (1 - B + B * length / max(length.mean(), 1e-9)) if lengths else length

    def asked_by(self, lexicon: Lexicon) -> StructuredQueries:
        """The same passages for queries in another language; nothing is counted again."""
        other = copy(self)
        other.lexicon = lexicon
        return other

    @property
    def identity(self) -> str:
        return f"psq {self.terms.identity} {lexicon_hash(self.lexicon)}"

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        eligible = eligible_passages(self.ids, among)
        return [self._ranked(query.text, top, eligible) for query in queries]

    def _ranked(self, query: str, top: int, eligible: np.ndarray) -> Hits:
        scores = np.zeros(len(self.ids))
        for word, times in Counter(words(query)).items():
            known: dict[int, float] = defaultdict(float)
            for english, share in self.lexicon.get(word, {word: 1.0}).items():
                if (term := self.terms.of_word(english)) in self._columns:
                    known[self._columns[term]] += share
            if not known:
                continue
            columns, shares = list(known), np.array(list(known.values()))
            frequency = self._frequency[:, columns] @ shares
            documents = float(self._documents[columns] @ shares)
            rarity = np.log1p((len(self.ids) - documents + 0.5) / (documents + 0.5))
            scores += times * rarity * frequency / (frequency + self._norm)
        scores = scores * eligible
        return best_first(((self.ids[p], scores[p]) for p in np.flatnonzero(scores > 0)), top)
