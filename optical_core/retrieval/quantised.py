"""QuantisedIndex: score every passage with 8-bit token vectors, then the best ones exactly.

A search returns exact MaxSim scores: 8-bit scores only choose which passages are scored exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optical_core.data.trec import Hits
from optical_core.retrieval.packed_tokens import PackedTokens, packed_tokens
from optical_core.retrieval.packed_vectors import PackedVectors
from optical_core.retrieval.recall import Approximation, measured_recall
from optical_core.retrieval.token_index import TokenIndex

FILE = "int8.safetensors"
RESCORED = 40
"""Fewest passages that are scored exactly for a query; more if more than half as many are asked
for."""


@dataclass(frozen=True)
class ResidualTokens:
    """The tokens of a compressed index.

    Attributes:
        index: the index.
        vectors: its vectors.
    """

    index: TokenIndex
    vectors: PackedVectors

    recall = 1.0
    """Only the query is rounded."""

    def scores(self, query: np.ndarray, positions: np.ndarray | None = None) -> np.ndarray:
        """MaxSim (P,) of a query (n, d) with the passages at `positions`, or with all."""
        offsets = self.index.offsets
        if positions is None:
            return self.vectors.maxsim(query, offsets[:-1], offsets[1:])
        return self.vectors.maxsim(query, offsets[positions], offsets[positions + 1])


@dataclass(frozen=True)
class QuantisedIndex(Approximation):
    """An index with the 8-bit form of its vectors."""

    mode = "int8"

    tokens: PackedTokens | ResidualTokens

    @classmethod
    def open(cls, index: TokenIndex) -> QuantisedIndex:
        """Open the index's 8-bit form; it is made first if it is missing.

        A compressed index needs none: its vectors are multiplied as they are, by a query in 8 bits.
        """
        if isinstance(index.vectors, PackedVectors):
            return cls(ResidualTokens(index, index.vectors))
        return cls(packed_tokens(index, FILE, lambda made: measured_recall(index, cls(made))))

    @property
    def index(self) -> TokenIndex:
        return self.tokens.index

    @property
    def recall(self) -> float:
        return self.tokens.recall

    def ranked(
        self, queries: Sequence[np.ndarray], top: int, positions: np.ndarray | None
    ) -> list[Hits]:
        return [self.rescored(query, positions, top) for query in queries]

    def rescored(self, query: np.ndarray, positions: np.ndarray | None, top: int) -> Hits:
        """The best passages at `positions` (None: all) by 8-bit MaxSim, ranked by exact MaxSim."""
        return self.best_of(query, positions, self.tokens.scores(query, positions), top)

    def best_of(
        self, query: np.ndarray, positions: np.ndarray | None, scores: np.ndarray, top: int
    ) -> Hits:
        """The passages at `positions` with the largest `scores`, ranked by exact MaxSim."""
        best = largest(scores, max(RESCORED, 2 * top))
        chosen = best if positions is None else positions[best]
        return self.index.score(query, chosen)[:top]


def largest(scores: np.ndarray, count: int) -> np.ndarray:
    """Positions of the `count` largest scores, ascending, and of all scores equal to the last."""
    if count >= len(scores):
        return np.arange(len(scores))
    return np.flatnonzero(scores >= np.partition(scores, len(scores) - count)[-count])
