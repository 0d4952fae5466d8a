"""Searcher: the interface of everything that ranks a collection's passages for a query.

A searcher may be local or on a server, and rank by token vectors or by words. If it `explains`, it
also says which tokens make up a score.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from optical_core.data.corpus import Passage
from optical_core.data.trec import Hits, Run
from optical_core.errors import InputError
from optical_core.models.tokens import Token
from optical_core.retrieval.explain import Added, Share, TokenMatch
from optical_core.retrieval.windows import Window


@dataclass(frozen=True, eq=False)
class Query:
    """A query as a searcher ranks by it.

    Attributes:
        text: as it was typed.
        vectors: (tokens, d) fp32. Their lengths say how much each token counts, mostly 1. Empty if
            the searcher ranks by the text.
        whole: vectors of the query that this one is a part of; they choose a passage's window.
    """

    text: str
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    whole: np.ndarray | None = None

    @property
    def gloss(self) -> str:
        """The query's gloss, if it is asked with one; else empty."""
        return ""

    @property
    def added(self) -> tuple[Added, ...]:
        """What feedback has added to the query, the weightiest first; see `Searcher.expanded`."""
        return ()


class Searcher(ABC):
    """The base of all searchers. A new one defines `identity` and `rank`.

    Attributes:
        name: its name in tables.
        explains: can it say which tokens make up a score?
        fuses: is a score made of `shares`, of several searchers or of words?
        scale: scores of searchers with the same scale can be compared; empty if only its own can.
        weights: hash of the encoder that encodes the queries; empty if none does.
        windowed: are long passages searched in windows? See `window`.
        expands: are queries expanded from the first passages that they find? See `expanded`.
    """

    name: str
    explains = False
    fuses = False
    scale = ""
    weights = ""
    windowed = False
    expands = False

    @property
    @abstractmethod
    def identity(self) -> str:
        """Changes with everything that decides a ranking, except the passages and the query."""

    @abstractmethod
    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        """Rank passages.

        Args:
            queries: from `encode`.
            top: most hits of a query.
            among: ids of the passages that may be found; None for all.

        Returns:
            The hits of each query, best first.
        """

    @property
    def precision(self) -> str:
        """In which the passages' vectors were encoded; empty without any, or if it isn't known."""
        return "" if self.core is self else self.core.precision

    def encode(self, queries: Sequence[str]) -> list[Query]:
        """Make queries of texts; the result is the same for all searchers of one model."""
        return [Query(text) for text in queries]

    def expanded(
        self, queries: Sequence[Query], *, among: frozenset[str] | None = None
    ) -> list[Query]:
        """The queries with what feedback adds to them, if the searcher `expands`.

        `rank` does this by itself. To explain a ranking, give the expanded query to `rank`,
        `explain`, `shares` and `window`.

        Args:
            queries: from `encode`.
            among: as of `rank`: only these passages give feedback.
        """
        return list(queries)

    @property
    def core(self) -> Searcher:
        """The searcher beneath those that only ask its queries otherwise."""
        return self

    def query_tokens(self, query: str) -> Sequence[Token]:
        """The tokens of a text's vectors; none if queries are ranked by the text."""
        return ()

    def explain(self, query: Query, passages: Sequence[Passage]) -> list[list[TokenMatch]]:
        """Token matches of each passage; their contributions add up to its score.

        Raises:
            InputError: the searcher doesn't explain.
        """
        raise InputError(f"{self.name} has no token matches to explain; use a token-level model")

    def shares(
        self, query: Query, passages: Sequence[Passage], *, among: frozenset[str] | None = None
    ) -> list[list[Share]]:
        """Each part's share of each passage's score, if it `fuses`; `among` as in its ranking.

        Of a query expanded by words, each word has a share.
        """
        return [[] for _ in passages]

    def window(self, query: Query, passage: Passage) -> Window | None:
        """The window of a passage that has its score; None if passages are ranked whole."""
        return None

    def search(self, query: str, *, top: int = 10) -> Hits:
        """The hits of one query, best first."""
        return self.rank(self.encode([query]), top=top)[0]

    def run(
        self, queries: Mapping[str, str], *, top: int = 1000, among: frozenset[str] | None = None
    ) -> Run:
        """The run of many queries: query id -> passage id -> score; arguments as of `rank`."""
        rankings = self.rank(self.encode(list(queries.values())), top=top, among=among)
        return {query: dict(hits) for query, hits in zip(queries, rankings, strict=True)}
