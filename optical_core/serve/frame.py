"""The frame around every request: access, bounded bodies, metrics, no tracebacks for clients."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi.responses import JSONResponse

from optical_core.serve.access import Access
from optical_core.serve.metrics import Metrics
from optical_core.serve.schema import API, API_HEADER

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

BODY_SECONDS = 10.0
"""Seconds that a client has to send a body of a few kilobytes."""
_GONE = 499
"""nginx's status for a client that went away."""


class Frame:
    """The outermost ASGI middleware."""

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, most_bytes: int, access: Access | None = None
    ) -> None:
        """Wrap an application.

        Args:
            app: the application.
            metrics: count every request.
            most_bytes: longest body of a request.
            access: who may ask; None for everyone.
        """
        self._app, self._metrics = app, metrics
        self._most_bytes, self._access = most_bytes, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()
        bodiless = scope["method"] == "HEAD"
        asked = {**scope, "method": "GET"} if bodiless else scope
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                added = ((API_HEADER, API), ("x-content-type-options", "nosniff"))
                message["headers"] = [
                    *message.get("headers", []),
                    *((name.encode(), value.encode()) for name, value in added),
                ]
            elif bodiless:
                message = {**message, "body": b""}
            await send(message)

        async def answer(code: int, **content: str) -> None:
            await JSONResponse(content, code)(scope, receive, watched)

        try:
            refused = self._refused(asked) or await self._body(asked, receive)
            if isinstance(refused, JSONResponse):
                await refused(asked, receive, watched)
            else:
                await self._unless_gone(asked, refused, receive, watched, lambda: bool(status))
        except _GoneError:
            status = _GONE
        except asyncio.CancelledError:  # the server is stopping and has waited long enough
            if not status:
                await answer(503, detail="the server is stopping: ask again when it is back")
        except Exception:
            number = uuid.uuid4().hex[:12]
            logger.exception("error %s, in %s %r", number, scope["method"], scope["path"])
            if not status:
                text = f"the server failed; its log says why under error {number}"
                await answer(500, detail=text, id=number)
        finally:
            # Unknown paths share a label: a client must not be able to fill memory with them.
            route = getattr(asked.get("route"), "path", "unknown")
            self._metrics.request(route, status, time.perf_counter() - begin)

    def _refused(self, scope: Scope) -> JSONResponse | None:
        refusal = self._access and self._access.refusal(scope)
        if not refusal:
            return None
        return JSONResponse({"detail": refusal.detail}, refusal.status, dict(refusal.headers))

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

    async def _unless_gone(
        self, scope: Scope, body: bytes, receive: Receive, send: Send, begun: Callable[[], bool]
    ) -> None:
        """Let the application answer; cancel it if the client goes away."""
        gone = asyncio.ensure_future(_gone(receive))
        answer = asyncio.ensure_future(self._app(scope, _replayed(body, gone), send))
        try:
            await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done() and not begun():
                raise _GoneError
            await answer
        finally:
            for task in (answer, gone):
                task.cancel()
            await asyncio.gather(answer, gone, return_exceptions=True)


class _GoneError(Exception):
    """The client went away before it was answered."""


async def _gone(receive: Receive) -> None:
    """Wait until the client has gone, or has been answered."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _replayed(body: bytes, gone: asyncio.Future[None]) -> Receive:
    """A `receive` that returns the body, and then waits until the client goes away."""
    sent = False

    async def replay() -> Any:
        nonlocal sent
        if sent:
            await asyncio.shield(gone)
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
