"""The web application: its routes and statuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from pydantic import Discriminator, Tag

from optical_core import __version__
from optical_core.errors import InputError
from optical_core.serve.access import Access
from optical_core.serve.answering import answer_together
from optical_core.serve.batching import Batcher
from optical_core.serve.description import PAGE_POLICY, described, description_page
from optical_core.serve.frame import Frame
from optical_core.serve.holdings import Holdings, NotServedError
from optical_core.serve.limits import Limits, RateLimit
from optical_core.serve.metrics import Metrics
from optical_core.serve.schema import (
    BatchAnswer,
    BatchRequest,
    Health,
    Problem,
    SearchAnswer,
    SearchRequest,
    ServedCollection,
    ServedModel,
    Topics,
)
from optical_core.serve.searching import Searching
from optical_core.validation import problem_of

_ONE, _MANY = "one query", "many queries"
_Asked = Annotated[
    Annotated[SearchRequest, Tag(_ONE)] | Annotated[BatchRequest, Tag(_MANY)],
    Discriminator(lambda body: _kind(body)),
]
"""The body of POST /search: its fields tell which form it has."""
NO_OBJECT = "the body must be a JSON object, sent as application/json"
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The request isn't HTTP, or its Host isn't a name of the server"},
    401: {"description": "The token is missing or wrong"},
    404: {"description": "The name isn't served"},
    408: {"description": "The body didn't arrive in time"},
    413: {"description": "The body or the query is too long"},
    422: {"description": "The request isn't as described here"},
    429: {"description": "Too many searches from this client"},
    500: {"description": "The server failed: its log says why"},
    503: {"description": "Too many searches at once, or the server is stopping"},
}


def _refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The schema of a route's refusals, including those that any request may get."""
    known = (400, 401, *codes, 408, 413, 500)
    return {code: _REFUSALS[code] | {"model": Problem} for code in sorted(known)}


def create_app(
    holdings: Holdings, limits: Limits | None = None, access: Access | None = None
) -> FastAPI:
    """Make an ASGI application that answers searches. Its workers end with the application.

    Args:
        holdings: the collections and models.
        limits: sizes and rates; the defaults if None.
        access: who may ask; None for everyone, if a proxy controls access.

    Returns:
        The application, for uvicorn or any other ASGI server.

    Examples:
        >>> app = create_app(Holdings({}, {}, {}))
        >>> "/search" in app.openapi()["paths"]
        True
    """
    limits = limits or Limits()
    metrics = Metrics()
    # What needs no encoder answers in a fraction of the time: it must not wait for encoding.
    encoding, lexical = (
        Batcher(
            partial(answer_together, holdings),
            most_taken=limits.searches,
            most_together=limits.batch,
            most_characters=limits.characters,
            watch=metrics.batch,
        )
        for _ in range(2)
    )

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
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.openapi = partial(described, app, limits)  # type: ignore[method-assign]
    app.add_middleware(Frame, metrics=metrics, most_bytes=limits.body, access=access)
    app.add_exception_handler(RequestValidationError, _unprocessable)
    app.add_exception_handler(InputError, _input_error)
    app.add_exception_handler(400, _unreadable)
    app.add_exception_handler(NotServedError, _not_found)

    def batcher(model: str) -> Batcher:
        return encoding if holdings.models[model].weights else lexical

    def waiting() -> int:
        return encoding.waiting + lexical.waiting

    metrics.watch_queue(waiting)
    _add_search(app, limits, Searching(holdings, limits, metrics, batcher))
    _add_holdings(app, holdings)
    _add_status(app, limits, metrics, waiting)
    return app


def _add_search(app: FastAPI, limits: Limits, searching: Searching) -> None:
    rate = RateLimit(limits.rate)

    def within_rate(request: Request) -> None:
        if wait := rate.seconds_to_wait(_client(request)):
            raise HTTPException(
                429,
                f"more than {limits.rate:g} searches a second: slow down",
                {"Retry-After": str(int(wait) + 1)},
            )

    @app.post(
        "/search",
        dependencies=[Depends(within_rate), Depends(_whole_object)],
        response_model=SearchAnswer | BatchAnswer,
        responses=_refusals(404, 422, 429, 503),
    )
    async def search(asked: _Asked, request: Request) -> Response:
        """Rank a collection's passages for a query, or for each of many.

        A SearchRequest gets a SearchAnswer, a BatchRequest a BatchAnswer.
        """
        if isinstance(asked, BatchRequest):
            rate.charge(_client(request), len(asked.queries) - 1)
            content = await searching.many(asked)
        else:
            content = await searching.one(asked)
        return Response(content, media_type="application/json")


def _add_holdings(app: FastAPI, holdings: Holdings) -> None:
    @app.get("/models", responses=_refusals())
    def models() -> list[ServedModel]:
        """List the models that are served."""
        return list(holdings.models.values())

    @app.get("/collections", responses=_refusals())
    def collections() -> list[ServedCollection]:
        """List the collections that are served."""
        return holdings.described()

    @app.get("/collections/{name}/queries/{language}", responses=_refusals(404, 422))
    def queries(name: str, language: str) -> Topics:
        """Get a collection's queries in a language, with their judgements."""
        return holdings.topics(name, language)


def _add_status(app: FastAPI, limits: Limits, metrics: Metrics, waiting: Callable[[], int]) -> None:
    @app.get("/health", responses=_refusals())
    async def health() -> Health:
        """Check that the server is ready: everything is loaded."""
        return Health(
            status="ok",
            version=__version__,
            waiting=waiting(),
            most_results=limits.top,
            most_queries=limits.most_queries,
        )

    @app.get("/metrics", response_class=PlainTextResponse, responses=_refusals())
    async def prometheus() -> Response:
        """Get counts and times for Prometheus."""
        return Response(metrics.text(), media_type=metrics.content_type)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(
            description_page(app.openapi()), headers={"Content-Security-Policy": PAGE_POLICY}
        )


def _kind(body: Any) -> str:
    """The tag of a body's form."""
    many = "queries" in body if isinstance(body, dict) else isinstance(body, BatchRequest)
    return _MANY if many else _ONE


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


async def _whole_object(request: Request) -> None:
    """Refuse a body that JSON readers read differently: a key twice, or half a character.

    Raises:
        InputError: the body is such, or no JSON.
    """
    try:
        value = json.loads((await request.body()).decode(), object_pairs_hook=_distinct)
        json.dumps(value, ensure_ascii=False).encode()
    except InputError:
        raise
    except UnicodeEncodeError as error:
        raise InputError("the body has an escape \\ud… that is half a character") from error
    except (ValueError, RecursionError) as error:
        raise InputError(NO_OBJECT) from error


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = next(key for key in fields if [name for name, _ in pairs].count(key) > 1)
        raise InputError(f"the body has the field {twice[:80]!r} twice")
    return fields


async def _input_error(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 422)


async def _unprocessable(request: Request, error: Any) -> JSONResponse:
    first = error.errors()[0]
    place = [part for part in first["loc"] if part not in ("body", _ONE, _MANY)]
    # Our own validators of the whole body already give a sentence.
    unread = (not place and first["type"] != "value_error") or first["type"] == "json_invalid"
    problem = problem_of(first | {"loc": place})
    return JSONResponse({"detail": NO_OBJECT if unread else problem}, 422)


async def _unreadable(request: Request, error: Any) -> JSONResponse:
    """Turn FastAPI's own 400, for a body that it can't read, into our refusal."""
    return JSONResponse({"detail": NO_OBJECT}, 422)


async def _not_found(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 404)
