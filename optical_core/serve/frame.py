"""The frame around every request: bounded bodies, metrics, and no traceback to the outside."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import TYPE_CHECKING, Any

from fastapi.responses import JSONResponse

from optical_core.serve.metrics import Metrics
from optical_core.serve.schema import API, API_HEADER

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

BODY_SECONDS = 10.0
"""A client that takes longer to send a body of a few kilobytes isn't waited for."""


class Frame:
    """ASGI middleware, outermost. `most_bytes`: of a request's body."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, most_bytes: int) -> None:
        self._app, self._metrics, self._most_bytes = app, metrics, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", []),
                    (API_HEADER.encode(), API.encode()),
                ]
            await send(message)

        try:
            body = await self._body(scope, receive)
            if isinstance(body, JSONResponse):
                await body(scope, receive, watched)
            else:
                await self._app(scope, _replayed(body, receive), watched)
        except _GoneError:
            status = 499  # nginx' number for a client that didn't stay
        except Exception:
            number = uuid.uuid4().hex[:12]
            logger.exception("error %s, in %s %s", number, scope["method"], scope["path"])
            if not status:
                text = f"the server failed; its log says why under error {number}"
                answer = JSONResponse({"detail": text, "id": number}, 500)
                await answer(scope, receive, watched)
        finally:
            # Unknown paths share a label: a client must not be able to fill the memory with them.
            route = getattr(scope.get("route"), "path", "unknown")
            self._metrics.request(route, status, time.perf_counter() - begin)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | JSONResponse:
        """The whole body, or the response that refuses it."""
        stated = dict(scope["headers"]).get(b"content-length", b"")
        refusal = JSONResponse({"detail": f"the body is longer than {self._most_bytes} bytes"}, 413)
        if stated.isdigit() and int(stated) > self._most_bytes:
            return refusal
        body = b""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _GoneError
                    body += message.get("body", b"")
                    if len(body) > self._most_bytes:
                        return refusal
                    if not message.get("more_body", False):
                        return body
        except TimeoutError:
            text = f"the body did not arrive within {BODY_SECONDS:g} s"
            return JSONResponse({"detail": text}, 408)


class _GoneError(Exception):
    """The client went away before its request was complete."""


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read, then what the server says."""
    given = False

    async def replay() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
