"""Pipelines: searchers that put other searchers' rankings together.

Every part encodes the query and ranks for itself. The weights and numbers are those of the
expression (see `expression_reader`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from optical_core.data.corpus import Passage
from optical_core.data.trec import Hits, best_first
from optical_core.retrieval.explain import Share, TokenMatch
from optical_core.retrieval.expressions import (
    Chain,
    Cut,
    Name,
    Node,
    Reciprocal,
    Weighted,
    parts_of,
    renamed,
)
from optical_core.retrieval.fusing import FUSED, reciprocal_ranks, scaled
from optical_core.retrieval.model_names import label
from optical_core.retrieval.searcher import Query, Searcher
from optical_core.retrieval.windows import Window


@dataclass(frozen=True, eq=False)
class PipelineQuery(Query):
    """A query as each part of a pipeline ranks by it."""

    parts: tuple[Query, ...] = ()

    @property
    def gloss(self) -> str:
        return next((part.gloss for part in self.parts if part.gloss), "")


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

    def encode(self, queries: Sequence[str]) -> list[Query]:
        encoded = [part.encode(queries) for part in self.parts]
        return [
            PipelineQuery(text, parts=of_one)
            for text, of_one in zip(queries, zip(*encoded, strict=True), strict=True)
        ]

    @abstractmethod
    def shares(
        self, query: Query, passages: Sequence[Passage], *, among: frozenset[str] | None = None
    ) -> list[list[Share]]: ...


def shown(node: Node) -> str:
    """An expression with short names."""
    return str(renamed(node, label))


def _asked(queries: Sequence[Query], number: int) -> list[Query]:
    """The queries as one part ranks by them."""
    return [query.parts[number] for query in queries if isinstance(query, PipelineQuery)]


class Fused(Pipeline):
    """A fusion: each passage's score is the sum of its shares, one a part.

    A weighted sum scales each part's scores of a query from 0 (its last passage) to 1 (its first),
    takes them times the weight, and gives the sum in hundredths. Reciprocal rank fusion adds up
    1 / (k + rank), in thousandths. A passage that a part doesn't find has no share of it.
    """

    node: Weighted | Reciprocal

    def __init__(self, node: Weighted | Reciprocal, parts: Sequence[Searcher]) -> None:
        super().__init__(node, parts)
        self._names = [shown(part) for part in parts_of(node)]
        self._depths = [_depth(part) for part in parts_of(node)]

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        return [
            best_first(_added(shares).items(), top)
            for shares in self._shares(self._ranked(queries, among))
        ]

    def shares(
        self, query: Query, passages: Sequence[Passage], *, among: frozenset[str] | None = None
    ) -> list[list[Share]]:
        """Each part's share of the score of each passage."""
        ranked = self._ranked([query], among)
        (added,) = self._shares(ranked)
        places = [_places(hits) for (hits,) in ranked]
        return [
            [
                _share(name, found, passage, shares.get(passage.id, 0.0))
                for name, found, shares in zip(self._names, places, added, strict=True)
            ]
            for passage in passages
        ]

    def _ranked(self, queries: Sequence[Query], among: frozenset[str] | None) -> list[list[Hits]]:
        """The hits of each part for each query."""
        return [
            part.rank(_asked(queries, number), top=depth, among=among)
            for number, (part, depth) in enumerate(zip(self.parts, self._depths, strict=True))
        ]

    def _shares(self, ranked: Sequence[Sequence[Hits]]) -> list[list[dict[str, float]]]:
        """Passage -> share, of each query and part."""
        if isinstance(self.node, Reciprocal):
            weights, share = [1.0] * len(self.parts), reciprocal_ranks(self.node.k)
        else:
            weights, share = [weight for weight, _ in self.node.parts], scaled
        return [
            [
                {identifier: weight * value for identifier, value in share(hits).items()}
                for weight, hits in zip(weights, of_query, strict=True)
            ]
            for of_query in zip(*ranked, strict=True)
        ]


def _added(shares: Sequence[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for of_part in shares:
        for identifier, share in of_part.items():
            total[identifier] = total.get(identifier, 0.0) + share
    return total


class Limited(Pipeline):
    """The first passages of another searcher's ranking."""

    node: Cut

    def __init__(self, node: Cut, searcher: Searcher) -> None:
        super().__init__(node, [searcher])
        self.explains, self.fuses = searcher.explains, searcher.fuses

    def encode(self, queries: Sequence[str]) -> list[Query]:
        return self.parts[0].encode(queries)

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        return self.parts[0].rank(queries, top=min(top, self.node.count), among=among)

    def explain(self, query: Query, passages: Sequence[Passage]) -> list[list[TokenMatch]]:
        return self.parts[0].explain(query, passages)

    @property
    def windowed(self) -> bool:  # type: ignore[override]
        return self.parts[0].windowed

    def window(self, query: Query, passage: Passage) -> Window | None:
        return self.parts[0].window(query, passage)

    def shares(
        self, query: Query, passages: Sequence[Passage], *, among: frozenset[str] | None = None
    ) -> list[list[Share]]:
        return self.parts[0].shares(query, passages, among=among)


class Reranked(Pipeline):
    """The passages that the first searcher finds, in the order and with the scores of the second.

    A passage that the second one doesn't score, such as one without a word of the query for BM25,
    is left out.
    """

    def __init__(self, node: Chain, first: Searcher, second: Searcher) -> None:
        super().__init__(node, [first, second])
        self.explains = second.explains
        *before, last = node.stages
        self._names = [shown(_joined(before)), shown(last)]
        self._depth = _depth(before[-1])

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        first, second = self.parts
        found = first.rank(_asked(queries, 0), top=self._depth, among=among)
        return [
            second.rank([query], top=top, among=frozenset(i for i, _ in hits))[0] if hits else []
            for query, hits in zip(_asked(queries, 1), found, strict=True)
        ]

    def explain(self, query: Query, passages: Sequence[Passage]) -> list[list[TokenMatch]]:
        """Token matches of the last searcher, which gives the scores."""
        (asked,) = _asked([query], 1)
        return self.parts[1].explain(asked, passages)

    @property
    def windowed(self) -> bool:  # type: ignore[override]
        return self.parts[1].windowed

    def window(self, query: Query, passage: Passage) -> Window | None:
        """The window that the last searcher scores."""
        (asked,) = _asked([query], 1)
        return self.parts[1].window(asked, passage)

    def shares(
        self, query: Query, passages: Sequence[Passage], *, among: frozenset[str] | None = None
    ) -> list[list[Share]]:
        """The first searcher's rank and score, which have no share, then the second's shares."""
        first, second = self.parts
        (hits,) = first.rank(_asked([query], 0), top=self._depth, among=among)
        places = _places(hits)
        chosen = frozenset(places)
        (asked,) = _asked([query], 1)
        if second.fuses:
            last = second.shares(asked, passages, among=chosen)
        else:
            (again,) = second.rank([asked], top=self._depth, among=chosen)
            scores, ranks = dict(again), _places(again)
            last = [
                [_share(self._names[1], ranks, passage, scores.get(passage.id, 0.0))]
                for passage in passages
            ]
        return [
            [_share(self._names[0], places, passage, 0.0), *shares]
            for passage, shares in zip(passages, last, strict=True)
        ]


def assembled(node: Node, leaf: Callable[[str], Searcher]) -> Searcher:
    """Make the searcher of an expression.

    Args:
        node: from `parse`.
        leaf: opens a single model by its name.

    Examples:
        >>> from optical_core.retrieval.bm25 import BM25
        >>> from optical_core.retrieval.expression_reader import parse
        >>> passages = [Passage("p1", "", "salt of the sea"), Passage("p2", "", "dry salt")]
        >>> searcher = assembled(parse("rrf(a,b)"), lambda name: BM25(passages))
        >>> searcher.search("salt")
        [('p2', 32.7869), ('p1', 32.2581)]
    """
    if isinstance(node, Name):
        return leaf(node.name)
    if isinstance(node, Cut):
        return Limited(node, assembled(node.part, leaf))
    if isinstance(node, Weighted):
        return Fused(node, [assembled(part, leaf) for _, part in node.parts])
    if isinstance(node, Reciprocal):
        return Fused(node, [assembled(part, leaf) for part in node.parts])
    *before, last = node.stages
    return Reranked(node, assembled(_joined(before), leaf), assembled(last, leaf))


def _joined(stages: Sequence[Node]) -> Node:
    """One stage, or a chain of several."""
    return stages[0] if len(stages) == 1 else Chain(tuple(stages))


def _depth(node: Node) -> int:
    """How many passages of a part count."""
    return node.count if isinstance(node, Cut) else FUSED


def _share(
    name: str, places: Mapping[str, tuple[int, float]], passage: Passage, share: float
) -> Share:
    rank, score = places.get(passage.id, (None, None))
    return Share(name, rank, score, share)


def _places(hits: Hits) -> dict[str, tuple[int, float]]:
    """Passage -> rank and score."""
    return {identifier: (rank, score) for rank, (identifier, score) in enumerate(hits, 1)}
