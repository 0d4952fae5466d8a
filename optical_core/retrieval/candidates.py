"""CandidateIndex: passages chosen by means of neighbouring tokens, the best scored exactly.

Of each eight neighbouring tokens of a passage the mean is kept, on 256 principal directions, in 8
bits: MaxSim of these over all passages reads a twelfth of the memory (of 384 dimensions), which is
what exhaustive search spends its time on. The best candidates are scored by the whole 8-bit
vectors, the best of those exactly. Tokens pooled in a passage keep its rank nearly as it is
(Clavié et al. 2024); with the embedded encoder, windows kept it as well as clusters, and fewer
candidates were enough than with the centroids that PLAID scans (Santhanam et al. 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optical_core.data.trec import Hits
from optical_core.retrieval.packed_tokens import PackedTokens, packed_tokens, principal_basis
from optical_core.retrieval.quantised import QuantisedIndex, largest
from optical_core.retrieval.recall import Approximation, measured_recall
from optical_core.retrieval.token_index import TokenIndex

FILE = "candidates.safetensors"
LEAST_CANDIDATES = 1000
DIMENSIONS = 256
"""Kept of each token, at most."""
WINDOW = 8
"""Neighbouring tokens of which the mean is kept."""


@dataclass(frozen=True)
class CandidateIndex(Approximation):
    """An index with its 8-bit form and the pooled one."""

    mode = "candidates"

    quantised: QuantisedIndex
    pooled: PackedTokens

    @classmethod
    def open(cls, quantised: QuantisedIndex) -> CandidateIndex:
        """Open the index's pooled form, made first where that hasn't been done."""
        index = quantised.index
        width = min(index.dimension, DIMENSIONS)
        return cls(
            quantised,
            packed_tokens(
                index,
                FILE,
                lambda made: measured_recall(index, cls(quantised, made)),
                basis=lambda: principal_basis(index, width),
                window=WINDOW,
            ),
        )

    @property
    def index(self) -> TokenIndex:
        return self.quantised.index

    @property
    def recall(self) -> float:
        return self.pooled.recall

    def search(self, query: np.ndarray, *, top: int = 10) -> Hits:
        """The best passages among the candidates with their exact MaxSim scores, best first.

        query: (n, d) unit token vectors; one without tokens finds nothing.
        """
        if not len(query):
            return []
        scores = self.pooled.scores(query)
        chosen = largest(scores, max(candidates(len(scores)), 4 * top))
        return self.quantised.rescored(query, chosen, top)


def candidates(passages: int) -> int:
    """How many of some passages whole 8-bit vectors score for a query, at least.

    With the embedded encoder the exact top ten were among 1,000 of 10,000 passages and 3,000 of
    100,000 in 996 of 1,000 cases: ten times the square root.

    Examples:
        >>> candidates(10_000), candidates(1_000_000)
        (1000, 10000)
    """
    return max(LEAST_CANDIDATES, round(10 * passages**0.5))
