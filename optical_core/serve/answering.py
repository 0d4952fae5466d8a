"""Answer requests: encode their queries together, and share a pass over each index.

A query's vectors depend a little on the queries beside it in a batch (by padding, and by how the
matrix product is divided). In fp32 that changes a score by less than 1e-5 (in bf16 by up to 0.03:
see `models.precision`). Searchers round scores and order equal ones by id. Other requests can
therefore change an answer by at most one unit of a score's last digit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict

from optical_core.data.collection import Collection
from optical_core.data.trec import Hits
from optical_core.retrieval.explain import Share, TokenMatch, one_window
from optical_core.retrieval.searcher import Query, Searcher
from optical_core.serve.holdings import Holdings
from optical_core.serve.schema import (
    AddedTerm,
    Match,
    PartShare,
    Result,
    SearchAnswer,
    SearchRequest,
)


def answer_together(holdings: Holdings, requests: Sequence[SearchRequest]) -> list[SearchAnswer]:
    """Answer requests to one model, in their order."""
    model = requests[0].model
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, request in enumerate(requests):
        groups[request.collection, request.where].append(number)
    # The searchers of one model encode queries alike, whatever the collection.
    encoder = holdings.searcher(model, requests[0].collection)
    queries = encoder.encode([request.query for request in requests])
    answers: dict[int, SearchAnswer] = {}
    for (name, where), numbers in groups.items():
        searcher, collection = holdings.searcher(model, name), holdings.collection(name)
        among = collection.corpus.matching(where) if where else None
        top = max(requests[number].top for number in numbers)
        asked = searcher.expanded([queries[number] for number in numbers], among=among)
        rankings = searcher.rank(asked, top=top, among=among)
        for number, query, hits in zip(numbers, asked, rankings, strict=True):
            found = searcher, collection, among
            answers[number] = _answer(*found, requests[number], query, hits)
    return [answers[number] for number in range(len(requests))]


def _answer(
    searcher: Searcher,
    collection: Collection,
    among: frozenset[str] | None,
    request: SearchRequest,
    query: Query,
    hits: Hits,
) -> SearchAnswer:
    # What was added or deleted since the collection was looked at is left out.
    best = [hit for hit in hits if hit[0] in collection.by_id][: request.top]
    passages = [collection.by_id[identifier] for identifier, _ in best]
    explained: Sequence[list[TokenMatch] | None] = [None] * len(best)
    shared: Sequence[list[Share] | None] = [None] * len(best)
    if request.explain and searcher.explains:
        explained = searcher.explain(query, passages)
    if request.explain and searcher.fuses:
        shared = searcher.shares(query, passages, among=among)
    results = [
        Result(
            rank=rank,
            id=passage.id,
            score=score,
            title=passage.title,
            text=passage.text,
            language=passage.language,
            fields=dict(passage.fields),
            matches=None if matches is None else [_match(match) for match in matches],
            shares=None if shares is None else [PartShare(**asdict(share)) for share in shares],
            window=one_window(matches or ()),
        )
        for rank, ((_, score), passage, matches, shares) in enumerate(
            zip(best, passages, explained, shared, strict=True), 1
        )
    ]
    return SearchAnswer(
        collection=request.collection,
        model=request.model,
        query=request.query,
        gloss=query.gloss,
        added=[AddedTerm(**asdict(term)) for term in query.added],
        results=results,
    )


def _match(match: TokenMatch) -> Match:
    return Match(
        query=match.query.piece,
        passage=match.passage.piece,
        contribution=match.contribution,
        query_span=(match.query.start, match.query.end),
        passage_span=(match.passage.start, match.passage.end),
        gloss=match.gloss,
    )
