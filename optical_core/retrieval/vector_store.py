"""VectorStore: token vectors by passage, in whatever engine they are kept, ranked by MaxSim."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from optical_core.data.trec import Hits
from optical_core.models.token_encoder import TokenEncoder


class VectorStore(ABC):
    """What a search needs of a collection's token vectors.

    Attributes:
        mode: how passages are chosen, see `modes`; the scores are exact MaxSim's in every mode.
    """

    mode = "exact"

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Changes with the vectors that are ranked."""

    @abstractmethod
    def check_encoder(self, encoder: TokenEncoder) -> None:
        """Raise InputError if another encoder made the vectors."""

    @abstractmethod
    def passage_vectors(self, identifier: str) -> np.ndarray:
        """Vectors (tokens, d) of one passage, fp32, as they are scored."""

    @abstractmethod
    def search(self, query: np.ndarray, *, top: int = 10) -> Hits:
        """The best passages with their exact MaxSim scores, in the order of `best_first`.

        query: (n, d) unit token vectors; one without tokens finds nothing.
        """

    def search_many(self, queries: Sequence[np.ndarray], *, top: int = 10) -> list[Hits]:
        """`search` for many queries, for stores that gain from having them together."""
        return [self.search(query, top=top) for query in queries]
