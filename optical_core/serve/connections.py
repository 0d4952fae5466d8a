"""Slow connections: uvicorn itself waits for ever for a request's head, and for a reader.

A connection without a request under way is closed after `HEAD_SECONDS`, even if part of the next
request has arrived. If too many are open, the one that has been idle for longest is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from optical_core.serve.schema import API, API_HEADER

HEAD_SECONDS = 10.0
"""Seconds from a connection's beginning, or its last answer, to the whole head of a request."""
READ_SECONDS = 30.0
"""Seconds that a client may leave a sent answer unread."""


def guarded(most: int) -> dict[str, Any]:
    """uvicorn's options for a server with at most `most` connections.

    It speaks HTTP alone: nothing would watch over the connections of WebSocket, and uvicorn leaves
    a POST that asks for it without an answer.
    """
    return {"http": type("Guarded", (_Guarded,), {"most": most}), "ws": "none"}


class _Guarded(H11Protocol):
    most: int
    _since = 0.0
    _timer: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_request()
        if len(self.connections) > self.most:
            # This one is idle too: if all others are busy, it is the one to go.
            idle = [other for other in self.connections if isinstance(other, _Guarded)]
            min((other for other in idle if other.is_idle), key=_idle_since).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._timer, self._unread):
            if timer:
                timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self._await_request()
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread:
            self._unread.cancel()

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that isn't HTTP with a sentence in JSON, as all refusals are."""
        body = json.dumps({"detail": "this is no HTTP request that can be read"}).encode()
        headers = [("content-type", "application/json"), (API_HEADER, API), ("connection", "close")]
        headers.append(("content-length", str(len(body))))
        with contextlib.suppress(h11.LocalProtocolError):  # an answer is under way
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    @property
    def is_idle(self) -> bool:
        """Is no request under way?"""
        return self.cycle is None or self.cycle.response_complete

    def _await_request(self) -> None:
        self._since = self.loop.time()
        if self._timer:
            self._timer.cancel()
        self._timer = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _too_late(self) -> None:
        if self.is_idle:
            self.transport.abort()


def _idle_since(connection: _Guarded) -> float:
    return connection._since
