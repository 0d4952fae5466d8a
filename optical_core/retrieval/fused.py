"""Fused: a weighted sum, or a reciprocal rank fusion, of other searchers' rankings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optical_core.data.corpus import Passage
from optical_core.data.trec import Hits, best_first
from optical_core.retrieval.explain import Share
from optical_core.retrieval.expressions import Reciprocal, Weighted, parts_of
from optical_core.retrieval.fusing import reciprocal_ranks, scaled
from optical_core.retrieval.pipeline import Pipeline, asked, depth_of, places_of, share_of, shown
from optical_core.retrieval.searcher import Query, Searcher


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
        self._depths = [depth_of(part) for part in parts_of(node)]

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
        places = [places_of(hits) for (hits,) in ranked]
        return [
            [
                share_of(name, found, passage, shares.get(passage.id, 0.0))
                for name, found, shares in zip(self._names, places, added, strict=True)
            ]
            for passage in passages
        ]

    def _ranked(self, queries: Sequence[Query], among: frozenset[str] | None) -> list[list[Hits]]:
        """The hits of each part for each query."""
        return [
            part.rank(asked(queries, number), top=depth, among=among)
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
