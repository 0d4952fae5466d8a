"""A short query's wait beside much work: `python -m tests.benchmarks.bystander`.

It asks `optical serve`, on a free port of 127.0.0.1 and with its usual limits:

    alone       a short query and nothing else
    stay        64 queries of 1,000 characters, whose clients wait for their answers
    leave       the same, but their clients leave after 0.3 s
    unfinished  600 connections that send half a request's head and no more

It prints the short query's wait, how the server counted the long ones, and how many unfinished
connections are still open after 32 s. It uses the user's own home, as `load` does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import select
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2

from optical_core.serve.client import Server
from optical_core.serve.schema import SearchRequest
from tests.benchmarks.load import running_server
from tests.benchmarks.timing import machine

SHORT = "Kwa nini bahari ina chumvi?"
LONG_CHARACTERS = 1000
LEAVE_SECONDS = 0.3
PATIENCE_SECONDS = 600
OPEN_SECONDS = 32
_WORDS = "bahari ina chumvi nyingi na samaki wengi sana "


def waited(server: Server, request: SearchRequest) -> float:
    """Measure the seconds until a request is answered."""
    begin = time.perf_counter()
    server.search(request)
    return time.perf_counter() - begin


@contextlib.contextmanager
def connections(server: Server, messages: list[bytes]) -> Iterator[list[socket.socket]]:
    """Open a connection for each message and send it; all are closed at the end."""
    parts = urlsplit(server.address)
    with contextlib.ExitStack() as stack:
        opened = []
        for message in messages:
            connection = socket.create_connection((parts.hostname, parts.port), timeout=10)
            opened.append(stack.enter_context(connection))
            connection.sendall(message)
        yield opened


def long_requests(model: str, collection: str, count: int) -> list[bytes]:
    """Make different searches of 1,000 characters, as HTTP messages."""
    messages = []
    for number in range(count):
        query = (f"{number} " + _WORDS * 30)[:LONG_CHARACTERS]
        body = json.dumps({"collection": collection, "model": model, "query": query}).encode()
        head = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        messages.append(f"POST /search HTTP/1.1\r\n{head}\r\n\r\n".encode() + body)
    return messages


def still_open(opened: list[socket.socket]) -> int:
    """Count the connections that the server hasn't closed."""
    count = 0
    for connection in opened:
        readable, _, _ = select.select([connection], [], [], 0)
        with contextlib.suppress(OSError):
            count += not readable or bool(connection.recv(1, socket.MSG_PEEK))
    return count


def counted(server: Server) -> dict[str, int]:
    """Read from the server's metrics how many searches had each status."""
    text = httpx2.get(f"{server.address}/metrics", timeout=PATIENCE_SECONDS).text
    by_status = {}
    for line in text.splitlines():
        if line.startswith('optical_requests_total{route="/search"'):
            name, value = line.rsplit(" ", 1)
            by_status[name.split('status="')[1][:3]] = int(float(value))
    return by_status


def beside(
    server: Server, request: SearchRequest, messages: list[bytes], *, leave: bool
) -> tuple[float, dict[str, int]]:
    """Measure the short query's wait beside long ones, and the searches counted afterwards."""
    before = counted(server)
    with connections(server, messages) as opened:
        time.sleep(LEAVE_SECONDS)
        if leave:
            for connection in opened:
                connection.close()
        wait = waited(server, request)
        while not leave and len(select.select(opened, [], [], 1)[0]) < len(opened):
            time.sleep(0.2)
    while server.health().waiting:
        time.sleep(0.2)
    after = counted(server)
    return wait, {status: after[status] - before.get(status, 0) for status in after}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--collection", default="demo")
    parser.add_argument("--model", default="optical-lowres")
    parser.add_argument("--long", type=int, default=64)
    parser.add_argument("--unfinished", type=int, default=600)
    arguments = parser.parse_args()
    request = SearchRequest(collection=arguments.collection, model=arguments.model, query=SHORT)
    messages = long_requests(arguments.model, arguments.collection, arguments.long)
    head = b"POST /search HTTP/1.1\r\nHost: localhost\r\nX-Half: "
    with running_server(arguments.collection, arguments.model) as started:
        server = Server(started.address, client=httpx2.Client(timeout=PATIENCE_SECONDS))
        print(f"alone: {min(waited(server, request) for _ in range(5)):.2f} s", flush=True)
        for leave in (False, True):
            wait, counts = beside(server, request, messages, leave=leave)
            name = "leave" if leave else "stay"
            print(f"{name}: {wait:.2f} s beside {len(messages)} long ones, {counts}", flush=True)
        with connections(server, [head] * arguments.unfinished) as opened:
            print(f"unfinished: {waited(server, request):.2f} s", flush=True)
            time.sleep(OPEN_SECONDS)
            print(f"unfinished: {still_open(opened)} open after {OPEN_SECONDS} s", flush=True)
    about = machine()
    print(f"\n{about['processor']}, {about['threads']} threads of {about['cores']} cores")


if __name__ == "__main__":
    main()
