"""Recall of an approximate search against the exact one, measured when its files are made."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from optical_core.data.trec import Hits
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.vector_store import Segment, VectorStore

QUERIES = 64
"""Queries made from the passages to measure recall: they share one pass over the index."""
LEAST_RECALL = 0.99
"""Below this recall, the next more exact mode replaces most approximate ones."""
_TOKENS = 12
_NOISE = 1.0
"""Length of the random vector added to each unit token: the cosine with the passage is then .7."""


class Approximation(Segment):
    """A faster way to search an index: fewer numbers choose passages, its vectors score them.

    Attributes:
        index: whose passages are ranked.
        recall: share of the exact top 10 that it keeps, on queries made from the passages.
        least: recall below which a more exact mode is used instead.
    """

    @property
    @abstractmethod
    def index(self) -> TokenIndex: ...

    @property
    @abstractmethod
    def recall(self) -> float: ...

    @property
    def least(self) -> float:
        return LEAST_RECALL

    @property
    def identifiers(self) -> Sequence[str]:
        return self.index.ids

    @property
    def fingerprint(self) -> str:
        return self.index.fingerprint

    def check_encoder(self, encoder: TokenEncoder) -> None:
        self.index.check_encoder(encoder)

    def passage_vectors(self, identifier: str) -> np.ndarray:
        return self.index.passage_vectors(identifier)

    def passage_tokens(self, identifier: str) -> np.ndarray | None:
        return self.index.passage_tokens(identifier)


def recall(
    index: VectorStore, store: VectorStore, queries: Sequence[np.ndarray], *, top: int = 10
) -> float:
    """Share of the exact top passages that `store` keeps: the mean over queries with hits.

    Args:
        index: searched exactly.
        store: the approximation.
        queries: their vectors, (n, d) each.
        top: hits that are compared.
    """
    return share_kept(index.search_many(queries, top=top), store.search_many(queries, top=top))


def share_kept(exact: Sequence[Hits], found: Sequence[Hits]) -> float:
    """Share of the exact hits that are found: the mean over queries with hits."""
    pairs = zip(exact, found, strict=True)
    kept = [len(dict(best).keys() & dict(other)) / len(best) for best, other in pairs if best]
    return float(np.mean(kept)) if kept else 1.0


def measured_recall(index: TokenIndex, store: VectorStore) -> float:
    """`recall` at 10 on queries made from the passages."""
    return recall(index, store, queries_of(index, seed=1))


def queries_of(index: TokenIndex, *, seed: int, count: int = QUERIES) -> list[np.ndarray]:
    """Queries (n, d) of up to 12 tokens of a random passage, with noise added.

    Noise makes them like real queries, whose tokens never quite equal a passage's.
    """
    generator = np.random.default_rng(seed)
    filled = np.flatnonzero(np.diff(index.offsets))
    queries = []
    for position in generator.choice(filled, min(count, len(filled)), replace=False):
        begin, end = index.offsets[position], index.offsets[position + 1]
        chosen = generator.choice(end - begin, min(_TOKENS, end - begin), replace=False)
        tokens = index.vectors[begin + np.sort(chosen)].astype(np.float32)
        noise = generator.standard_normal(tokens.shape) * _NOISE / np.sqrt(index.dimension)
        blurred = tokens + noise
        blurred /= np.linalg.norm(blurred, axis=1, keepdims=True)
        queries.append(blurred.astype(np.float32))
    return queries
