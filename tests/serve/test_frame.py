"""The frame around a request: bodies that don't come, clients that leave, a server that stops."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from optical_core.serve import frame
from optical_core.serve.metrics import Metrics

BODY = {"type": "http.request", "body": b"", "more_body": False}
GONE = {"type": "http.disconnect"}


class Asked:
    """An application in its frame, and what a request to it came to."""

    def __init__(self, app):
        self.metrics, self.sent = Metrics(), []
        self.framed = frame.Frame(app, metrics=self.metrics, most_bytes=100)

    async def send(self, message):
        self.sent.append(message)

    async def ask(self, *messages):
        """Ask; the client sends the messages and stays."""
        coming = iter(messages)

        async def receive():
            return next(coming, None) or await asyncio.Future()

        scope = {"type": "http", "method": "POST", "path": "/search", "headers": []}
        await self.framed(scope, receive, self.send)

    @property
    def statuses(self):
        return [message["status"] for message in self.sent if "status" in message]

    def counted(self, status):
        return f'status="{status}"' in self.metrics.text().decode()


def run(work):
    # In a thread, since a browser's test may have left its loop in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


async def never(*_):
    raise AssertionError("a request without a body was answered")


@pytest.mark.parametrize(("messages", "statuses", "counted"), [([], [408], 408), ([GONE], [], 499)])
def test_a_body_that_never_comes_is_not_waited_for(monkeypatch, messages, statuses, counted):
    monkeypatch.setattr(frame, "BODY_SECONDS", 0.05)
    asked = Asked(never)
    run(asked.ask(*messages))
    assert asked.statuses == statuses
    assert asked.counted(counted)


class Waits:
    """An application that answers when its gate is opened, and notes that it was cancelled."""

    def __init__(self):
        self.begun, self.cancelled = asyncio.Event(), False

    async def __call__(self, scope, receive, send):
        self.begun.set()
        try:
            await asyncio.Future()
        finally:
            self.cancelled = True


def test_what_nobody_waits_for_is_given_up():
    app = Waits()
    asked = Asked(app)
    run(asked.ask(BODY, GONE))
    assert app.cancelled
    assert asked.statuses == []
    assert asked.counted(499)


def test_a_server_that_stops_says_so():
    app = Waits()
    asked = Asked(app)

    async def stopped():
        task = asyncio.ensure_future(asked.ask(BODY))
        await app.begun.wait()
        task.cancel()
        await task

    run(stopped())
    assert app.cancelled
    assert asked.statuses == [503]
    assert b"stopping" in asked.sent[-1]["body"]
    assert asked.counted(503)
