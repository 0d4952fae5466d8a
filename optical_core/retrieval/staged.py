"""Searchers in stages: the first passages of a ranking, and another order of them."""

from __future__ import annotations

from collections.abc import Sequence

from optical_core.data.corpus import Passage
from optical_core.data.trec import Hits
from optical_core.retrieval.explain import Share, TokenMatch
from optical_core.retrieval.expressions import Chain, Cut, Node
from optical_core.retrieval.pipeline import (
    Pipeline,
    asked,
    depth_of,
    places_of,
    rejoined,
    share_of,
    shown,
)
from optical_core.retrieval.searcher import Query, Searcher
from optical_core.retrieval.windows import Window


class Limited(Pipeline):
    """The first passages of another searcher's ranking."""

    node: Cut

    def __init__(self, node: Cut, searcher: Searcher) -> None:
        super().__init__(node, [searcher])
        self.explains, self.fuses = searcher.explains, searcher.fuses
        self.scale = searcher.scale

    def encode(self, queries: Sequence[str]) -> list[Query]:
        return self.parts[0].encode(queries)

    def expanded(
        self, queries: Sequence[Query], *, among: frozenset[str] | None = None
    ) -> list[Query]:
        return self.parts[0].expanded(queries, among=among)

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
        self.explains, self.scale = second.explains, second.scale
        *before, last = node.stages
        self._names = [shown(joined(before)), shown(last)]
        self._depth = depth_of(before[-1])

    def expanded(
        self, queries: Sequence[Query], *, among: frozenset[str] | None = None
    ) -> list[Query]:
        """The second searcher's feedback is of the passages that the first one finds."""
        if not self.expands:
            return list(queries)
        first, second = self.parts
        before = first.expanded(asked(queries, 0), among=among)
        found = first.rank(before, top=self._depth, among=among)
        after = [
            second.expanded([query], among=frozenset(i for i, _ in hits))[0]
            for query, hits in zip(asked(queries, 1), found, strict=True)
        ]
        return rejoined(queries, [before, after])

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        first, second = self.parts
        found = first.rank(asked(queries, 0), top=self._depth, among=among)
        return [
            second.rank([query], top=top, among=frozenset(i for i, _ in hits))[0] if hits else []
            for query, hits in zip(asked(queries, 1), found, strict=True)
        ]

    def explain(self, query: Query, passages: Sequence[Passage]) -> list[list[TokenMatch]]:
        """Token matches of the last searcher, which gives the scores."""
        (query,) = asked([query], 1)
        return self.parts[1].explain(query, passages)

    @property
    def windowed(self) -> bool:  # type: ignore[override]
        return self.parts[1].windowed

    def window(self, query: Query, passage: Passage) -> Window | None:
        """The window that the last searcher scores."""
        (query,) = asked([query], 1)
        return self.parts[1].window(query, passage)

    def shares(
        self, query: Query, passages: Sequence[Passage], *, among: frozenset[str] | None = None
    ) -> list[list[Share]]:
        """The first searcher's rank and score, which have no share, then the second's shares."""
        first, second = self.parts
        (hits,) = first.rank(asked([query], 0), top=self._depth, among=among)
        places = places_of(hits)
        chosen = frozenset(places)
        (query,) = asked([query], 1)
        if second.fuses:
            last = second.shares(query, passages, among=chosen)
        else:
            (again,) = second.rank([query], top=self._depth, among=chosen)
            scores, ranks = dict(again), places_of(again)
            last = [
                [share_of(self._names[1], ranks, passage, scores.get(passage.id, 0.0))]
                for passage in passages
            ]
        return [
            [share_of(self._names[0], places, passage, 0.0), *shares]
            for passage, shares in zip(passages, last, strict=True)
        ]


def joined(stages: Sequence[Node]) -> Node:
    """One stage, or a chain of several."""
    return stages[0] if len(stages) == 1 else Chain(tuple(stages))
