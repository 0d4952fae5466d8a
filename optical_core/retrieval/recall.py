"""What an approximate search keeps of the exact one: measured when it is made, not assumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from optical_core.retrieval.token_index import TokenIndex

QUERIES = 64
"""Made from the passages to measure a recall: they share one pass over the index."""
_TOKENS = 12
_NOISE = 1.0
"""Length of the random vector added to each unit token: leaves a cosine of .7 with the passage."""


class Ranker(Protocol):
    """What ranks passages for token vectors, as TokenIndex does.

    A subclass that gains nothing from many queries at once has `search_many` from here.
    """

    def search(self, query: np.ndarray, *, top: int = 10) -> list[tuple[str, float]]: ...

    def search_many(
        self, queries: Sequence[np.ndarray], *, top: int = 10
    ) -> list[list[tuple[str, float]]]:
        """`search` for many queries."""
        return [self.search(query, top=top) for query in queries]


def recall(
    index: TokenIndex, ranker: Ranker, queries: Sequence[np.ndarray], *, top: int = 10
) -> float:
    """Share of the exact top passages that `ranker` keeps, mean over queries that find any."""
    pairs = zip(
        index.search_many(queries, top=top), ranker.search_many(queries, top=top), strict=True
    )
    kept = [len(dict(exact).keys() & dict(found)) / len(exact) for exact, found in pairs if exact]
    return float(np.mean(kept)) if kept else 1.0


def measured_recall(index: TokenIndex, ranker: Ranker) -> float:
    """`recall` at 10 on queries made from the passages."""
    return recall(index, ranker, queries_of(index, seed=1))


def queries_of(index: TokenIndex, *, seed: int, count: int = QUERIES) -> list[np.ndarray]:
    """Queries (n, d) of up to 12 tokens of a random passage, each blurred by noise.

    They stand in for real ones, whose tokens are never quite a passage's.
    """
    generator = np.random.default_rng(seed)
    filled = np.flatnonzero(np.diff(index.offsets))
    found = []
    for position in generator.choice(filled, min(count, len(filled)), replace=False):
        begin, end = index.offsets[position], index.offsets[position + 1]
        chosen = generator.choice(end - begin, min(_TOKENS, end - begin), replace=False)
        tokens = index.vectors[begin + np.sort(chosen)].astype(np.float32)
        noise = generator.standard_normal(tokens.shape) * _NOISE / np.sqrt(index.dimension)
        blurred = tokens + noise
        blurred /= np.linalg.norm(blurred, axis=1, keepdims=True)
        found.append(blurred.astype(np.float32))
    return found
