"""Searcher: whatever ranks a collection's passages for a query.

Local or on a server, by token vectors or by words: a query goes in, a ranking comes out, and where
the searcher `explains`, so does what makes up a score.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from optical_core.data.corpus import Passage
from optical_core.data.trec import Hits, Run
from optical_core.errors import InputError
from optical_core.retrieval.explain import TokenMatch


@dataclass(frozen=True, eq=False)
class Query:
    """A query as a searcher ranks by it.

    Attributes:
        text: as it was asked.
        vectors: (tokens, d) fp32 unit vectors; none where the text itself is ranked by.
    """

    text: str
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    @property
    def gloss(self) -> str:
        """The same query with words put in English, where it is asked so too; else empty."""
        return ""


class Searcher(ABC):
    """The face of all searchers; a new one has to say its `identity` and how it ranks.

    Attributes:
        name: what tables call it.
        explains: can it say which tokens make up a score?
        weights: hash of the encoder that encodes the queries; empty where none does.
    """

    name: str
    explains = False
    weights = ""

    @property
    @abstractmethod
    def identity(self) -> str:
        """Changes with whatever decides a ranking, but for the passages and the query."""

    @abstractmethod
    def rank(self, queries: Sequence[Query], *, top: int = 10) -> list[Hits]:
        """The best passages for each of some queries that `encode` gave."""

    def encode(self, queries: Sequence[str]) -> list[Query]:
        """Queries as they are ranked by: alike for all searchers of one model."""
        return [Query(text) for text in queries]

    def explain(self, query: Query, passages: Sequence[Passage]) -> list[list[TokenMatch]]:
        """Token matches of each passage: their contributions add up to its score.

        Raises InputError from a searcher that doesn't explain.
        """
        raise InputError(f"{self.name} has no token matches to explain; use a token-level model")

    def search(self, query: str, *, top: int = 10) -> Hits:
        """The best passages for a query."""
        return self.rank(self.encode([query]), top=top)[0]

    def run(self, queries: Mapping[str, str], *, top: int = 1000) -> Run:
        """The rankings of many queries, by their ids."""
        rankings = self.rank(self.encode(list(queries.values())), top=top)
        return {query: dict(hits) for query, hits in zip(queries, rankings, strict=True)}
