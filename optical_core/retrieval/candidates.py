"""CandidateIndex: passages chosen by a fraction of their tokens' dimensions, the best exactly.

Tokens are projected on their principal directions, a quarter of the dimensions, and kept in 8
bits: MaxSim of these over all passages reads a quarter of the memory, which is what exhaustive
search spends its time on. The best candidates are scored by the whole 8-bit vectors, the best of
those exactly. With the embedded encoder this kept the exact top 10 among an eighth as many
candidates as the centroids that PLAID scans (Santhanam et al. 2022), and needs no clustering.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optical_core.retrieval.quantised import QuantisedIndex, largest
from optical_core.retrieval.recall import Ranker, measured_recall
from optical_core.retrieval.token_rows import TokenRows, principal_basis, token_rows

FILE = "candidates.safetensors"
LEAST_CANDIDATES = 1000
_SHARE = 4
"""One dimension is kept of so many."""


@dataclass(frozen=True)
class CandidateIndex(Ranker):
    """An index with its 8-bit form and the projected one."""

    quantised: QuantisedIndex
    projected: TokenRows

    @classmethod
    def open(cls, quantised: QuantisedIndex) -> CandidateIndex:
        """Open the index's projected form, made first where that hasn't been done."""
        index = quantised.index
        width = -(-index.dimension // _SHARE)
        return cls(
            quantised,
            token_rows(
                index,
                FILE,
                lambda made: measured_recall(index, cls(quantised, made)),
                lambda: principal_basis(index, width),
            ),
        )

    @property
    def recall(self) -> float:
        """Share of the exact top 10 that it keeps, on queries made from the passages."""
        return self.projected.recall

    def search(self, query: np.ndarray, *, top: int = 10) -> list[tuple[str, float]]:
        """The best passages among the candidates with their exact MaxSim scores, best first.

        query: (n, d) unit token vectors; one without tokens finds nothing.
        """
        if not len(query):
            return []
        passages = len(self.quantised.index)
        scores = self.projected.scores(query, np.arange(passages))
        chosen = largest(scores, max(candidates(passages), 4 * top))
        return self.quantised.rescored(query, chosen, top)


def candidates(passages: int) -> int:
    """How many of some passages whole 8-bit vectors score for a query, at least.

    With the embedded encoder the exact top ten were among 1,000 of 10,000 passages and 3,000 of
    100,000 in 998 of 1,000 cases: ten times the square root.

    Examples:
        >>> candidates(10_000), candidates(1_000_000)
        (1000, 10000)
    """
    return max(LEAST_CANDIDATES, round(10 * passages**0.5))
