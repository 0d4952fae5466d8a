"""The web application: routes, and which status says what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from optical_core import __version__
from optical_core.retrieval.searcher import LateInteraction
from optical_core.serve.answering import answer_together
from optical_core.serve.batching import Batcher, BusyError
from optical_core.serve.frame import Frame
from optical_core.serve.holdings import Holdings, NotServedError
from optical_core.serve.limits import Limits, RateLimit
from optical_core.serve.metrics import Metrics
from optical_core.serve.schema import (
    Health,
    Problem,
    SearchAnswer,
    SearchRequest,
    ServedCollection,
    ServedModel,
    Topics,
    first_problem,
)

BUSY_SECONDS = 1
"""What a refused client is told to wait: by then a full queue of short queries is answered."""


def create_app(holdings: Holdings, limits: Limits | None = None) -> FastAPI:
    """An ASGI application that answers for `holdings`; its workers end with the application."""
    limits = limits or Limits()
    metrics = Metrics()
    # BM25 answers in a fraction of the time that queries take to be encoded: it must not wait.
    encoding, lexical = (
        Batcher(
            partial(answer_together, holdings),
            most_taken=limits.searches,
            most_together=limits.batch,
            watch=metrics.batch,
        )
        for _ in range(2)
    )

    def waiting() -> int:
        return encoding.waiting + lexical.waiting

    metrics.watch_queue(waiting)
    rate = RateLimit(limits.rate)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        for batcher in (encoding, lexical):
            await asyncio.to_thread(batcher.close)

    app = FastAPI(
        title="OPTICAL Workbench",
        version=__version__,
        summary="Search English passages in any language.",
        lifespan=lifespan,
    )
    app.add_middleware(Frame, metrics=metrics, most_bytes=limits.body)
    app.add_exception_handler(RequestValidationError, _unprocessable)
    app.add_exception_handler(NotServedError, _not_found)

    def within_rate(request: Request) -> None:
        client = request.client.host if request.client else ""
        if wait := rate.seconds_to_wait(client):
            raise HTTPException(
                429,
                f"more than {limits.rate:g} searches a second: slow down",
                {"Retry-After": str(int(wait) + 1)},
            )

    @app.post(
        "/search",
        dependencies=[Depends(within_rate)],
        responses={code: {"model": Problem} for code in (404, 413, 422, 429, 500, 503)},
    )
    async def search(request: SearchRequest) -> SearchAnswer:
        """Rank a collection's passages for a query."""
        _check(request, holdings, limits)
        batcher = encoding if holdings.models[request.model].token_level else lexical
        try:
            return await asyncio.wrap_future(batcher.submit(request))
        except BusyError:
            raise HTTPException(
                503,
                f"{limits.searches} searches are running or waiting: try again",
                {"Retry-After": str(BUSY_SECONDS)},
            ) from None

    @app.get("/models")
    def models() -> list[ServedModel]:
        """The models that may be asked."""
        return list(holdings.models.values())

    @app.get("/collections")
    def collections() -> list[ServedCollection]:
        """The collections that may be searched."""
        return holdings.described()

    @app.get("/collections/{name}/queries/{language}", responses={404: {"model": Problem}})
    def queries(name: str, language: str) -> Topics:
        """A collection's own queries in a language, with their judged passages."""
        return holdings.topics(name, language)

    @app.get("/health")
    async def health() -> Health:
        """Ready to answer: nothing is left to be loaded."""
        return Health(
            status="ok",
            version=__version__,
            waiting=waiting(),
            most_results=limits.top,
        )

    @app.get("/metrics", response_class=Response)
    async def prometheus() -> Response:
        """Counts and times for Prometheus."""
        return Response(metrics.text(), media_type=metrics.content_type)

    return app


def _check(request: SearchRequest, holdings: Holdings, limits: Limits) -> None:
    """Refuse what can't be answered before it waits with what can."""
    if len(request.query) > limits.query:
        raise HTTPException(
            413, f"the query has {len(request.query)} characters, at most {limits.query} are taken"
        )
    if request.top > limits.top:
        raise HTTPException(422, f"top: at most {limits.top}, got {request.top}")
    searcher = holdings.searcher(request.model, request.collection)
    if request.explain and not isinstance(searcher, LateInteraction):
        raise HTTPException(
            422, f"{request.model} has no token matches to explain; use a token-level model"
        )


async def _unprocessable(request: Request, error: Any) -> JSONResponse:
    first = error.errors()[0]
    # What a validator of ours says of the whole body is a sentence already.
    whole = first["loc"] == ("body",) and first["type"] != "value_error"
    if whole or first["type"] == "json_invalid":
        text = "the body must be a JSON object, sent as application/json"
    else:
        text = first_problem(error.errors())
    return JSONResponse({"detail": text}, 422)


async def _not_found(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 404)
