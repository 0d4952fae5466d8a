"""Pipeline: the base of searchers that put other searchers' rankings together.

Every part encodes the query and ranks for itself. The weights and numbers are those of the
expression (see `expression_reader`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optical_core.data.corpus import Passage
from optical_core.data.trec import Hits
from optical_core.retrieval.explain import Added, Share
from optical_core.retrieval.expressions import Cut, Node, renamed
from optical_core.retrieval.fusing import FUSED
from optical_core.retrieval.model_names import label
from optical_core.retrieval.searcher import Query, Searcher


@dataclass(frozen=True, eq=False)
class PipelineQuery(Query):
    """A query as each part of a pipeline ranks by it."""

    parts: tuple[Query, ...] = ()

    @property
    def gloss(self) -> str:
        return next((part.gloss for part in self.parts if part.gloss), "")

    @property
    def added(self) -> tuple[Added, ...]:
        return tuple(added for part in self.parts for added in part.added)


class Pipeline(Searcher):
    """The base of pipelines.

    Attributes:
        parts: its searchers.
    """

    fuses = True

    def __init__(self, node: Node, parts: Sequence[Searcher]) -> None:
        self.node, self.parts = node, tuple(parts)
        self.name = str(node)
        self.weights = "-".join(dict.fromkeys(part.weights for part in parts if part.weights))

    @property
    def identity(self) -> str:
        of_parts = " | ".join(part.identity for part in self.parts)
        return f"{self.name} of {FUSED}: {of_parts}"

    @property
    def precision(self) -> str:
        return ", ".join(dict.fromkeys(part.precision for part in self.parts if part.precision))

    def encode(self, queries: Sequence[str]) -> list[Query]:
        encoded = [part.encode(queries) for part in self.parts]
        return [
            PipelineQuery(text, parts=of_one)
            for text, of_one in zip(queries, zip(*encoded, strict=True), strict=True)
        ]

    @property
    def expands(self) -> bool:  # type: ignore[override]
        return any(part.expands for part in self.parts)

    def expanded(
        self, queries: Sequence[Query], *, among: frozenset[str] | None = None
    ) -> list[Query]:
        if not self.expands:
            return list(queries)
        parts = [
            part.expanded(asked(queries, number), among=among)
            for number, part in enumerate(self.parts)
        ]
        return rejoined(queries, parts)

    @abstractmethod
    def shares(
        self, query: Query, passages: Sequence[Passage], *, among: frozenset[str] | None = None
    ) -> list[list[Share]]: ...


def shown(node: Node) -> str:
    """An expression with short names."""
    return str(renamed(node, label))


def asked(queries: Sequence[Query], number: int) -> list[Query]:
    """The queries as one part ranks by them."""
    return [query.parts[number] for query in queries if isinstance(query, PipelineQuery)]


def rejoined(queries: Sequence[Query], parts: Sequence[Sequence[Query]]) -> list[Query]:
    """The queries with others in place of those that the parts rank by."""
    return [
        PipelineQuery(query.text, parts=of_one)
        for query, of_one in zip(queries, zip(*parts, strict=True), strict=True)
    ]


def depth_of(node: Node) -> int:
    """How many passages of a part count."""
    return node.count if isinstance(node, Cut) else FUSED


def share_of(
    name: str, places: Mapping[str, tuple[int, float]], passage: Passage, share: float
) -> Share:
    rank, score = places.get(passage.id, (None, None))
    return Share(name, rank, score, share)


def places_of(hits: Hits) -> dict[str, tuple[int, float]]:
    """Passage -> rank and score."""
    return {identifier: (rank, score) for rank, (identifier, score) in enumerate(hits, 1)}
