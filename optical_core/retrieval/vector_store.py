"""VectorStore: the interface of all stores of token vectors, ranked by MaxSim in any engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence

import numpy as np

from optical_core.data.trec import Hits
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.windows import WHOLE, Windows


class VectorStore(ABC):
    """The operations on a collection's token vectors that a search needs.

    Attributes:
        mode: how passages are chosen, see `modes`; the scores are exact MaxSim's in every mode.
        windows: how passages are cut.
        precision: in which the passages were encoded; empty if it isn't known.
    """

    mode = "exact"
    windows: Windows = WHOLE
    precision = ""

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
        """Vectors (tokens, d) fp32 of one passage that was found, as they are scored."""

    def passage_tokens(self, identifier: str) -> np.ndarray | None:
        """Numbers of the tokens that stand for a passage's vectors; None if all have their own."""
        return None

    def window_vectors(self, identifier: str) -> list[tuple[np.ndarray, np.ndarray | None]]:
        """`passage_vectors` and `passage_tokens` of each of a passage's windows."""
        return [(self.passage_vectors(identifier), self.passage_tokens(identifier))]

    @abstractmethod
    def search(
        self, query: np.ndarray, *, top: int = 10, among: frozenset[str] | None = None
    ) -> Hits:
        """Rank the passages by exact MaxSim, in the order of `best_first`.

        Args:
            query: (n, d) token vectors, as `Query.vectors`; a query without tokens has no hits.
            top: most hits. As many come back if so many passages may be found.
            among: ids of the passages that may be found; None for all. Unknown ids count for
                nothing.

        Returns:
            (passage id, score) of the best passages, best first.
        """

    def search_many(
        self,
        queries: Sequence[np.ndarray],
        *,
        top: int = 10,
        among: frozenset[str] | None = None,
    ) -> list[Hits]:
        """Search for many queries; some stores are faster with several at once."""
        return [self.search(query, top=top, among=among) for query in queries]


class Segment(VectorStore):
    """A store that numbers its passages: vectors in one folder, or a faster form of them."""

    @property
    @abstractmethod
    def identifiers(self) -> Sequence[str]:
        """Ids of the passages, by position."""

    @abstractmethod
    def ranked(
        self, queries: Sequence[np.ndarray], top: int, positions: np.ndarray | None
    ) -> list[Hits]:
        """Rank the passages at ascending `positions` (None: all) for queries that have tokens."""

    def search(
        self, query: np.ndarray, *, top: int = 10, among: frozenset[str] | None = None
    ) -> Hits:
        return self.search_many([query], top=top, among=among)[0]

    def search_many(
        self,
        queries: Sequence[np.ndarray],
        *,
        top: int = 10,
        among: frozenset[str] | None = None,
    ) -> list[Hits]:
        positions = None if among is None else positions_of(self.identifiers, among)
        return self.search_at(queries, top, positions)

    def search_at(
        self, queries: Sequence[np.ndarray], top: int, positions: np.ndarray | None
    ) -> list[Hits]:
        """Search for many queries, at some positions (None: all)."""
        results: list[Hits] = [[] for _ in queries]
        if len(self.identifiers if positions is None else positions):
            wanted = [number for number, query in enumerate(queries) if len(query)]
            found = self.ranked([queries[number] for number in wanted], top, positions)
            for number, hits in zip(wanted, found, strict=True):
                results[number] = hits
        return results


def positions_of(ids: Sequence[str], among: Collection[str]) -> np.ndarray:
    """Ascending positions of the ids that are in `among`."""
    found = (position for position, identifier in enumerate(ids) if identifier in among)
    return np.fromiter(found, np.int64)
