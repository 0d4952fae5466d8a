"""Connections that take their time, against a real server."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from optical_core.serve import connections
from optical_core.serve.app import create_app
from optical_core.serve.client import Server
from tests.serve.running import running

ASK = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def guarded(holdings):
    """Address of a server that has at most three connections."""
    with running(create_app(holdings), **connections.guarded(3)) as address:
        yield address


def connect(address):
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname, parts.port), timeout=20)


def is_closed(connection):
    """Waits until something comes; nothing but an end may."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def answer(connection):
    """Status of one response, which is read to its end."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(4096)
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(4096)
    return int(head.split()[1]), json.loads(body)


def test_a_head_that_never_ends_is_not_waited_for(guarded, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    with connect(guarded) as slow, connect(guarded) as silent:
        slow.sendall(b"GET /health HTTP/1.1\r\nHost: loc")
        assert is_closed(slow)
        assert is_closed(silent)
    assert Server(guarded).health().status == "ok"


def test_nor_is_the_next_one_of_a_connection(guarded, monkeypatch):
    with connect(guarded) as kept:
        kept.sendall(ASK)
        assert answer(kept)[0] == 200
        kept.sendall(ASK)
        monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
        assert answer(kept)[0] == 200
        kept.sendall(b"GET /hea")  # ends uvicorn's own time for connections that are kept
        assert is_closed(kept)


def test_the_idle_make_way_for_those_who_ask(guarded):
    with connect(guarded) as first, connect(guarded) as second, connect(guarded) as third:
        for connection in (second, third):
            connection.sendall(ASK)
            assert answer(connection)[0] == 200
        with connect(guarded) as fourth:
            fourth.sendall(ASK)
            assert answer(fourth)[0] == 200
            assert is_closed(first)
            third.sendall(ASK)
            assert answer(third)[0] == 200


@pytest.mark.parametrize(
    "request_", [b"\0\1\2\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n", b"GET /health HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_http_is_refused_by_a_sentence(guarded, request_):
    with connect(guarded) as connection:
        connection.sendall(request_)
        status, told = answer(connection)
        assert status == 400
        assert told == {"detail": "this is no HTTP request that can be read"}
        assert is_closed(connection)


@pytest.mark.parametrize("method", [b"GET", b"POST"])
@pytest.mark.parametrize("protocol", [b"websocket", b"h2c", b"TLS/1.0"])
def test_a_wish_for_another_protocol_is_passed_over(guarded, method, protocol):
    with connect(guarded) as asking:
        asking.sendall(
            method + b" /health HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: "
            b"" + protocol + b"\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n"
        )
        assert answer(asking)[0] == {b"GET": 200, b"POST": 405}[method]
