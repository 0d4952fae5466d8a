"""From requests to ranked passages: encode together, share a pass over each index.

A query's vectors depend a little on what it is encoded with (padding, and how the matrix product
is cut up). In fp32 that moves a score by less than 1e-5 (in bf16 by up to 0.03: see
`models.precision`). Searchers round scores and order equal ones by id, so an answer doesn't
depend on what came in beside it, but for one unit of a score's last digit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from optical_core.data.collection import Collection
from optical_core.retrieval.explain import TokenMatch
from optical_core.retrieval.searcher import LateInteraction, Searcher
from optical_core.serve.holdings import Holdings
from optical_core.serve.schema import Match, Result, SearchAnswer, SearchRequest

Hits = list[tuple[str, float]]


def answer_together(holdings: Holdings, requests: Sequence[SearchRequest]) -> list[SearchAnswer]:
    """Answers to requests of one model, in their order."""
    vectors: list[np.ndarray | None] = [None] * len(requests)
    first = holdings.searcher(requests[0].model, requests[0].collection)
    if isinstance(first, LateInteraction):  # the student is the same for every collection
        vectors = list(first.encode([request.query for request in requests]))
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for number, request in enumerate(requests):
        groups[request.collection].append(number)
    answers: dict[int, SearchAnswer] = {}
    for collection, numbers in groups.items():
        searcher = holdings.searcher(requests[0].model, collection)
        group = [requests[number] for number in numbers]
        asked = [vectors[number] for number in numbers]
        rankings = _rank(searcher, group, asked)
        for number, request, query, hits in zip(numbers, group, asked, rankings, strict=True):
            results = _results(searcher, holdings.collections[collection], request, query, hits)
            answers[number] = SearchAnswer(
                collection=collection, model=request.model, query=request.query, results=results
            )
    return [answers[number] for number in range(len(requests))]


def _rank(
    searcher: Searcher,
    requests: Sequence[SearchRequest],
    vectors: Sequence[np.ndarray | None],
) -> list[Hits]:
    top = max(request.top for request in requests)
    if not isinstance(searcher, LateInteraction):
        return [searcher.search(request.query, top=top) for request in requests]
    return searcher.rank([query for query in vectors if query is not None], top=top)


def _results(
    searcher: Searcher,
    collection: Collection,
    request: SearchRequest,
    vectors: np.ndarray | None,
    hits: Hits,
) -> list[Result]:
    results = []
    for rank, (identifier, score) in enumerate(hits[: request.top], 1):
        passage = collection.by_id[identifier]
        matches = None
        if request.explain and isinstance(searcher, LateInteraction):
            found = searcher.explain(request.query, identifier, passage.full_text, vectors=vectors)
            matches = [_match(match) for match in found]
        results.append(
            Result(
                rank=rank,
                id=identifier,
                score=score,
                title=passage.title,
                text=passage.text,
                matches=matches,
            )
        )
    return results


def _match(match: TokenMatch) -> Match:
    return Match(
        query=match.query.piece,
        passage=match.passage.piece,
        contribution=match.contribution,
        query_span=(match.query.start, match.query.end),
        passage_span=(match.passage.start, match.passage.end),
    )
