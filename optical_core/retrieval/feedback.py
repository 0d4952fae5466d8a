"""What all searchers share that expand queries by the first passages which these find."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from optical_core.data.trec import Hits
from optical_core.retrieval.expansions import Expansion
from optical_core.retrieval.searcher import Query, Searcher

Core = TypeVar("Core", bound=Searcher)
Way = TypeVar("Way", bound=Expansion)


class Feedback(Searcher, Generic[Core, Way]):
    """A searcher whose queries are expanded.

    A query that is expanded already stays as it is, and nothing is ranked for it again.

    Attributes:
        form: of expanded queries.
        searcher: finds the passages that give feedback.
        beneath: is asked the expanded queries.
        way: how much is added.
    """

    expands = True
    form: ClassVar[type[Query]]

    def __init__(self, name: str, searcher: Searcher, beneath: Core, way: Way) -> None:
        """Expand queries.

        Args:
            name: of the expression.
            searcher: asks `beneath`, perhaps in a translation or with a gloss.
            beneath: its core.
            way: how much is added.
        """
        self.name, self.searcher, self.beneath, self.way = name, searcher, beneath, way

    @property
    def identity(self) -> str:
        return f"{self.searcher.identity} {self.way!r}"

    @property
    def precision(self) -> str:
        return self.searcher.precision

    def encode(self, queries: Sequence[str]) -> list[Query]:
        return self.searcher.encode(queries)

    def expanded(
        self, queries: Sequence[Query], *, among: frozenset[str] | None = None
    ) -> list[Query]:
        plain = [query for query in queries if not isinstance(query, self.form)]
        found = iter(self.searcher.rank(plain, top=self.way.docs, among=among) if plain else ())
        return [
            query if isinstance(query, self.form) else self._expanded(query, next(found))
            for query in queries
        ]

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        return self.beneath.rank(self.expanded(queries, among=among), top=top, among=among)

    @abstractmethod
    def _expanded(self, query: Query, hits: Hits) -> Query:
        """A query with what the first passages add to it."""
