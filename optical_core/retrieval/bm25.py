"""BM25 on the query as typed (bm25s), with words by Unicode's rules.

bm25s' own tokeniser splits Indic words at their vowel signs and knows no words in scripts without
spaces; `data.words` does. Stems and stop words are a choice, see `terms`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import bm25s
import numpy as np

from optical_core.data.collection import Collection, Passage
from optical_core.data.trec import Hits, best_first
from optical_core.digits import single
from optical_core.errors import InputError
from optical_core.models.tokens import Token
from optical_core.retrieval.explain import TokenMatch
from optical_core.retrieval.searcher import Query, Searcher
from optical_core.retrieval.terms import Terms

# The library sets its logger to DEBUG on import, and would log every build.
logging.getLogger("bm25s").setLevel(logging.WARNING)

WORDS = Terms()
"""All words, as they are."""


@dataclass(frozen=True, eq=False)
class WeightedQuery(Query):
    """A query whose terms don't count as often as they are in its text.

    Attributes:
        weights: term -> how often it counts.
    """

    weights: Mapping[str, float] = field(default_factory=dict)


def eligible_passages(ids: Sequence[str], among: frozenset[str] | None) -> np.ndarray:
    """Which passages may be found (P,), as truth values."""
    if among is None:
        return np.ones(len(ids), bool)
    return np.fromiter((identifier in among for identifier in ids), bool, len(ids))


class BM25(Searcher):
    """Lucene's BM25 (k1 1.5, b 0.75) over a collection's passages, in memory.

    Passages that share no term with the query are left out.

    Attributes:
        terms: what is counted of a text.

    Examples:
        >>> bm25 = BM25([Passage("p1", "", "The sea is salty."), Passage("p2", "", "Dry sand")])
        >>> [identifier for identifier, _ in bm25.search("salty water")]
        ['p1']
    """

    family = "bm25"
    explains = True
    scale = "bm25"

    def __init__(self, passages: Iterable[Passage], terms: Terms = WORDS) -> None:
        self.name = f"{self.family}{terms.suffix}"
        self.terms = terms
        self.ids: list[str] = []
        tokens = []
        for passage in passages:
            self.ids.append(passage.id)
            tokens.append(terms.of_text(passage.full_text))
        self._documents = Counter(term for document in tokens for term in set(document))
        self._scorer = bm25s.BM25(method="lucene")
        if self._documents:  # the library divides by the mean length
            self._scorer.index(tokens, show_progress=False)

    @property
    def identity(self) -> str:
        return f"bm25s {bm25s.__version__} {self.terms.identity}"

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        eligible = eligible_passages(self.ids, among)
        return [self._ranked(query, top, eligible) for query in queries]

    def _ranked(self, query: Query, top: int, eligible: np.ndarray) -> Hits:
        if isinstance(query, WeightedQuery):
            parts = (weight * self._scores([term]) for term, weight in query.weights.items())
            scores = sum(parts, np.zeros(len(self.ids))) * eligible
        else:
            scores = self._scores(self.terms.of_text(query.text)) * eligible
        return best_first(((self.ids[p], scores[p]) for p in np.flatnonzero(scores > 0)), top)

    def _scores(self, terms: Sequence[str]) -> np.ndarray:
        """The scores (P,) of all passages for some terms."""
        known = [term for term in terms if term in self._documents]
        return np.asarray(self._scorer.get_scores(known)) if known else np.zeros(len(self.ids))

    def documents(self, term: str) -> int:
        """Number of passages that have a term."""
        return self._documents[term]

    def term_scores(self, terms: Iterable[str], passages: Sequence[str]) -> dict[str, list[float]]:
        """Each term's own score of some passages, by their ids; 0 for unknown ones."""
        rows = [self._rows.get(identifier) for identifier in passages]
        found = {}
        for term in terms:
            scores = self._scores([term])
            found[term] = [0.0 if row is None else float(scores[row]) for row in rows]
        return found

    def explain(self, query: Query, passages: Sequence[Passage]) -> list[list[TokenMatch]]:
        """The query's words that a passage has, each with its weight there.

        Raises:
            InputError: a passage isn't among those that were counted, or has changed since.
        """
        asked = [place for place in self.terms.places(query.text) if place[0] in self._documents]
        weights = {term: self._scores([term]) for term in {term for term, *_ in asked}}
        explained = []
        for passage in passages:
            row, first = self._rows.get(passage.id), _first_places(self.terms, passage.full_text)
            found = [
                (*place, single(weights[place[0]][row]))
                for place in asked
                if row is not None and weights[place[0]][row]
            ]
            if row is None or any(term not in first for term, *_ in found):
                raise InputError(f"the passage {passage.id} has changed since it was counted")
            explained.append(
                [
                    TokenMatch(_token(query.text, start, end), first[term], weight)
                    for term, start, end, weight in found
                ]
            )
        return explained

    @cached_property
    def _rows(self) -> dict[str, int]:
        """Passage -> its row."""
        return {identifier: row for row, identifier in enumerate(self.ids)}


def _first_places(terms: Terms, text: str) -> dict[str, Token]:
    """Each term of a text with its first place."""
    first: dict[str, Token] = {}
    for term, start, end in terms.places(text):
        first.setdefault(term, _token(text, start, end))
    return first


def _token(text: str, start: int, end: int) -> Token:
    return Token(text[start:end], -1, start, end, "text", True)


class LiveBM25(Searcher):
    """BM25 over a collection that may change: its words are counted anew when it has.

    Examples:
        >>> from optical_core.data import open_collection
        >>> len(LiveBM25(open_collection("demo")).search("Why is the sea salty?", top=3))
        3
    """

    explains = True
    scale = "bm25"

    def __init__(self, collection: Collection, terms: Terms = WORDS) -> None:
        self._counted = collection.refreshed(), BM25(collection.passages(), terms)
        self.name = self._counted[1].name

    @property
    def identity(self) -> str:
        return self._counted[1].identity

    @property
    def terms(self) -> Terms:
        """What is counted of a text."""
        return self._counted[1].terms

    def counted(self) -> tuple[Collection, BM25]:
        """The collection with its present passages, and their words."""
        before, bm25 = self._counted
        present = before.refreshed()
        if present is not before:
            bm25 = BM25(present.passages(), bm25.terms)
            self._counted = present, bm25
        return self._counted

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        return self.counted()[1].rank(queries, top=top, among=among)

    def explain(self, query: Query, passages: Sequence[Passage]) -> list[list[TokenMatch]]:
        return self.counted()[1].explain(query, passages)
