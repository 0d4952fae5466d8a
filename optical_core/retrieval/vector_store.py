"""VectorStore: the interface of all stores of token vectors, ranked by MaxSim in any engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from optical_core.data.trec import Hits
from optical_core.models.token_encoder import TokenEncoder


class VectorStore(ABC):
    """The operations on a collection's token vectors that a search needs.

    Attributes:
        mode: how passages are chosen, see `modes`; the scores are exact MaxSim's in every mode.
    """

    mode = "exact"

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Changes with the vectors."""

    @abstractmethod
    def check_encoder(self, encoder: TokenEncoder) -> None:
        """Check that this encoder made the vectors.

        Raises:
            InputError: another one did.
        """

    @abstractmethod
    def passage_vectors(self, identifier: str) -> np.ndarray:
        """Vectors (tokens, d) fp32 of one passage, as they are scored."""

    @abstractmethod
    def search(self, query: np.ndarray, *, top: int = 10) -> Hits:
        """Rank the passages by exact MaxSim, in the order of `best_first`.

        Args:
            query: (n, d) unit token vectors; a query without tokens has no hits.
            top: most hits.

        Returns:
            (passage id, score) of the best passages, best first.
        """

    def search_many(self, queries: Sequence[np.ndarray], *, top: int = 10) -> list[Hits]:
        """Search for many queries; some stores are faster with several at once."""
        return [self.search(query, top=top) for query in queries]
