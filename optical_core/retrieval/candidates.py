"""CandidateIndex: passages found by their tokens' centroids, scored in 8 bits, the best exactly.

Token vectors are grouped around centroids (k-means, FAISS). A query token is compared with the
centroids alone, and a passage's first score takes the best centroid that it owns for each query
token (PLAID's centroid interaction, Santhanam et al. 2022), over all passages. What is lost
against exact search is measured when the lists are made.

    candidates.safetensors    centroids (K, d) fp32; the centroids each passage owns, without
                              repetition: owned (N,) from offsets (P + 1,) on
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from optical_core.retrieval import int8_kernel
from optical_core.retrieval.quantised import QuantisedIndex, largest
from optical_core.retrieval.recall import measured_recall
from optical_core.retrieval.token_index import TokenIndex
from optical_core.storage import replace_file

logger = logging.getLogger(__name__)

FILE = "candidates.safetensors"
FORMAT = "1"
CANDIDATES = 3000
"""Passages scored in 8 bits for a query, at least; four times as many as are asked for."""
_ROUNDS = 8
_TRAINING_TOKENS = 40
"""For each centroid; FAISS asks for at least 39."""
_MOST_CENTROIDS = 2**16
"""Their numbers are stored in 16 bits."""


@dataclass(frozen=True)
class CandidateIndex:
    """An index with its 8-bit form and its tokens' centroids."""

    quantised: QuantisedIndex
    centroids: np.ndarray
    owned: np.ndarray
    offsets: np.ndarray
    recall: float
    """Share of the exact top 10 that it keeps, on queries made from the passages."""

    @classmethod
    def open(cls, quantised: QuantisedIndex, *, seed: int = 0) -> CandidateIndex:
        """Open the index's candidate lists; make them if missing, damaged or of other vectors."""
        index = quantised.index
        path = index.folder / FILE
        found = cls._read(quantised, path)
        if found:
            return found
        centroids = _centroids(index, seed)
        owned, offsets = _owned(index, centroids)
        unmeasured = cls(quantised, centroids, owned, offsets, 0.0)
        recall = measured_recall(index, unmeasured)
        facts = {"format": FORMAT, "of": index.fingerprint, "recall": f"{recall:.4f}"}
        with replace_file(path) as temporary:
            arrays = {"centroids": centroids, "owned": owned, "offsets": offsets}
            save_file(arrays, temporary, metadata=facts)
        logger.info("candidates in %s keep %.1f%% of the exact top 10", index.folder, 100 * recall)
        return replace(unmeasured, recall=recall)

    @classmethod
    def _read(cls, quantised: QuantisedIndex, path: Path) -> CandidateIndex | None:
        if not path.is_file():
            return None
        try:
            with safe_open(path, "np") as file:
                facts = file.metadata()
                if facts["of"] != quantised.index.fingerprint or facts["format"] != FORMAT:
                    logger.info("%s is of other vectors: made again", path)
                    return None
                arrays = {name: file.get_tensor(name) for name in ("centroids", "owned", "offsets")}
                return cls(quantised, **arrays, recall=float(facts["recall"]))
        except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
            logger.warning("%s is damaged (%s): made again", path, error)
            return None

    def search(self, query: np.ndarray, *, top: int = 10) -> list[tuple[str, float]]:
        """The best passages among the candidates with their exact MaxSim scores, best first.

        query: (n, d) unit token vectors; one without tokens finds nothing.
        """
        if not len(query):
            return []
        positions = largest(self.first_scores(query), max(CANDIDATES, 4 * top))
        return self.quantised.rescored(query, positions, top)

    def search_many(
        self, queries: Sequence[np.ndarray], *, top: int = 10
    ) -> list[list[tuple[str, float]]]:
        """`search` for many queries."""
        return [self.search(query, top=top) for query in queries]

    def first_scores(self, query: np.ndarray) -> np.ndarray:
        """Sum (P,) over query tokens of the best centroid that a passage owns, in 255 steps."""
        similarity = self.centroids @ np.asarray(query, np.float32).T
        least, most = float(similarity.min()), float(similarity.max())
        steps = (similarity - least) * (255 / max(most - least, 1e-9))
        table = np.rint(steps).astype(np.uint8)
        return int8_kernel.scan(table, self.owned, self.offsets[:-1], self.offsets[1:])


def _centroids(index: TokenIndex, seed: int) -> np.ndarray:
    """Centroids (K, d) of a sample of the tokens: 4 sqrt(T), or as many as can be trained."""
    import faiss

    total = len(index.vectors)
    count = int(max(1, min(4 * np.sqrt(total), total / _TRAINING_TOKENS, _MOST_CENTROIDS)))
    sample = np.random.default_rng(seed).choice(
        total, min(total, count * _TRAINING_TOKENS), replace=False
    )
    vectors = index.vectors[np.sort(sample)].astype(np.float32)
    means = faiss.Kmeans(index.dimension, count, niter=_ROUNDS, seed=seed)
    means.train(vectors)
    return np.asarray(means.centroids)


def _owned(index: TokenIndex, centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest centroids of each passage's tokens, and where each passage's begin."""
    import faiss

    nearest = faiss.IndexFlatL2(index.dimension)
    nearest.add(centroids)
    parts, counts = [], [np.zeros(1, np.int64)]
    for tokens, owners, passages in index.blocks():
        _, found = nearest.search(tokens.numpy(), 1)
        pairs = np.unique(owners.numpy() * len(centroids) + found[:, 0])
        parts.append((pairs % len(centroids)).astype(np.uint16))
        counts.append(np.bincount(pairs // len(centroids), minlength=passages))
    return np.concatenate(parts), np.cumsum(np.concatenate(counts))
