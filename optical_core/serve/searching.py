"""Searching: answer requests of POST /search, from what is kept or by the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from fastapi import HTTPException
from pydantic import BaseModel

from optical_core.errors import InputError
from optical_core.serve.answer_cache import AnswerCache, Key
from optical_core.serve.batching import Batcher, BusyError
from optical_core.serve.holdings import Holdings
from optical_core.serve.limits import Limits
from optical_core.serve.metrics import Metrics
from optical_core.serve.schema import (
    BatchRequest,
    Problem,
    SearchAnswer,
    SearchRequest,
    search_request,
)

Asked = TypeVar("Asked", SearchRequest, BatchRequest)
BUSY_SECONDS = 1
"""Seconds after which a refused client may retry: a full queue of short queries takes less."""


class Searching:
    """Answers requests as JSON. What can't be answered is an HTTPException or InputError."""

    def __init__(
        self,
        holdings: Holdings,
        limits: Limits,
        metrics: Metrics,
        batcher: Callable[[str], Batcher],
    ) -> None:
        """Answer requests.

        Args:
            holdings: the collections and models.
            limits: sizes.
            metrics: count kept answers.
            batcher: the queue of a model, by its name.
        """
        self._holdings, self._limits, self._metrics = holdings, limits, metrics
        self._batcher = batcher
        self._cache = AnswerCache(holdings, limits.cache)

    async def one(self, request: SearchRequest) -> bytes:
        """The answer to one query."""
        if problem := self._too_long(request.query):
            raise HTTPException(413, problem)
        request = await self._checked(request)
        # In a thread: after an update it opens the index's new segments.
        key = await asyncio.to_thread(self._cache.key, request)
        kept = self._kept(key)
        if kept is not None:
            return kept
        try:
            future = self._batcher(request.model).submit(request)
        except BusyError:
            raise self._busy() from None
        return self._keep(key, await asyncio.wrap_future(future))

    async def many(self, batch: BatchRequest) -> bytes:
        """The answers to many queries, or what is wrong with some of them, in their order."""
        if len(batch.queries) > (most := self._limits.most_queries):
            raise HTTPException(
                413, f"the request has {len(batch.queries)} queries, at most {most} are taken"
            )
        batch = await self._checked(batch)
        asked = [self._one_of(batch, query) for query in batch.queries]
        requests = {n: one for n, one in enumerate(asked) if isinstance(one, SearchRequest)}
        keys = await asyncio.to_thread(
            lambda: {n: self._cache.key(request) for n, request in requests.items()}
        )
        parts = {n: self._kept(key) for n, key in keys.items()}
        left = [n for n, kept in parts.items() if kept is None]
        try:
            futures = self._batcher(batch.model).submit_all([requests[n] for n in left])
        except BusyError:
            raise self._busy() from None
        waiting = map(asyncio.wrap_future, futures)
        answers: list[Any] = await asyncio.gather(*waiting, return_exceptions=True)
        for n, answer in zip(left, answers, strict=True):
            if isinstance(answer, SearchAnswer):
                parts[n] = self._keep(keys[n], answer)
            elif isinstance(answer, InputError):
                asked[n] = Problem(detail=str(answer))
            else:
                raise answer
        return _joined(parts.get(n) or _json(one) for n, one in enumerate(asked))

    async def _checked(self, request: Asked) -> Asked:
        """Refuse a request that can't be answered before it joins the queue; fill in `top`."""
        limits, holdings = self._limits, self._holdings
        if "top" not in request.model_fields_set:
            request = request.model_copy(update={"top": min(request.top, limits.top)})
        if request.top > limits.top:
            raise HTTPException(422, f"top: at most {limits.top}, got {request.top}")
        searcher = holdings.searcher(request.model, request.collection)
        if request.explain and not (searcher.explains or searcher.fuses):
            raise HTTPException(
                422, f"{request.model} has no token matches to explain; use a token-level model"
            )
        if request.where:
            corpus = holdings.collection(request.collection).corpus
            await asyncio.to_thread(corpus.matching, request.where)
        return request

    def _one_of(self, batch: BatchRequest, query: str) -> SearchRequest | Problem:
        """The request for one of a batch's queries, or what is wrong with it."""
        if problem := self._too_long(query):
            return Problem(detail=problem)
        try:
            return search_request(**batch.model_dump(exclude={"queries"}), query=query)
        except InputError as error:
            return Problem(detail=str(error))

    def _too_long(self, query: str) -> str:
        most = self._limits.query
        if len(query) <= most:
            return ""
        return f"the query has {len(query)} characters, at most {most} are taken"

    def _kept(self, key: Key) -> bytes | None:
        kept = self._cache.get(key)
        self._metrics.cached(kept is not None)
        return kept

    def _keep(self, key: Key, answer: SearchAnswer) -> bytes:
        content = _json(answer)
        self._cache.keep(key, content)
        return content

    def _busy(self) -> HTTPException:
        return HTTPException(
            503,
            f"{self._limits.searches} searches are running or waiting: try again",
            {"Retry-After": str(BUSY_SECONDS)},
        )


def _json(value: BaseModel) -> bytes:
    return value.model_dump_json().encode()


def _joined(answers: Iterable[bytes]) -> bytes:
    """A `BatchAnswer` as JSON, of answers that are JSON already."""
    return b'{"answers":[' + b",".join(answers) + b"]}"
