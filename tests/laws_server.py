"""Laws of `optical serve`: whatever is asked is answered as the schema says, and never with 500."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import unquote

from hypothesis import strategies as st

from tests.conftest import write_bert
from tests.damage import damaged_bytes
from tests.samples import FOLDER, write_files

_PATHS = (
    "/search /models /collections /collections/tiny/queries/sw /collections/%ED%A0%80/queries/%00 "
    "/collections/tiny/queries/../x /health /metrics /docs /openapi.json /nowhere // /%FF /search/"
).split()
_METHODS = "POST POST POST POST GET GET HEAD OPTIONS PUT DELETE PATCH TRACE X".split()
_TYPES = [
    b"application/json",
    b"application/json; charset=utf-16",
    b"text/plain",
    b"",
    b"\xff",
    b"multipart/form-data",
    b"application/x-www-form-urlencoded",
    b"application/problem+json",
]
_VALUES = st.sampled_from(
    [
        None,
        True,
        0,
        1,
        3,
        20,
        21,
        1000,
        1001,
        -1,
        10**30,
        10**4000,
        0.5,
        1e999,
        float("nan"),
        "",
        " ",
        "sea",
        "the salty sea " * 80,
        "\ud800",
        "\0",
        "\u202e",
        "a\u0301" * 50,
        [],
        {},
        ["sea"],
    ]
) | st.text(max_size=20)
_BODY = {"collection": "tiny", "model": "bert", "query": "salty sea", "top": 2, "explain": False}


@cache
def application() -> tuple[Any, dict[str, Any]]:
    """A server of a tiny encoder and BM25, and its schema."""
    from optical_core.serve.access import Access
    from optical_core.serve.app import create_app
    from optical_core.serve.holdings import Holdings, load_holdings

    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_files(folder / "tiny", FOLDER)
    model = str(write_bert(folder / "bert"))
    settings = {"OPTICAL_HOME": str(folder / "home"), "OPTICAL_PRECISION": "fp32"}
    with mock.patch.dict(os.environ, settings):
        loaded = load_holdings([str(folder / "tiny")], [model, "bm25"], device="cpu")
    called = {model: "bert", "bm25": "bm25"}
    holdings = Holdings(
        {
            called[name]: found.model_copy(update={"name": called[name]})
            for name, found in loaded.models.items()
        },
        loaded.collections,
        {(called[name], key): found for (name, key), found in loaded.searchers.items()},
    )
    app = create_app(holdings, access=Access.of("127.0.0.1"))
    return app, app.openapi()


def server(data: st.DataObject) -> bool:
    """A request of any kind: 200 or a documented refusal, in the documented form."""
    app, schema = application()
    method, path = data.draw(st.sampled_from(_METHODS)), data.draw(st.sampled_from(_PATHS))
    body = data.draw(_bodies())
    headers = [(b"host", data.draw(st.sampled_from([b"localhost:80"] * 9 + [b"evil.example"])))]
    headers.append((b"content-type", data.draw(st.sampled_from([_TYPES[0]] * 9 + _TYPES))))
    length = data.draw(st.sampled_from([str(len(body)).encode()] * 9 + [b"9" * 30, b"-1", b"x"]))
    headers.append((b"content-length", length))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": data.draw(st.sampled_from([b"", b"a=%ff&a", b"\xff" * 9])),
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    with ThreadPoolExecutor(1) as pool:  # a browser's test may have left its loop in this thread
        status, told, answer = pool.submit(asyncio.run, _asked(app, scope, body)).result()
    operations = schema["paths"].get(path, {})
    documented = operations.get("get" if method == "HEAD" else method.lower())
    if documented:
        assert str(status) in documented["responses"], f"{status} isn't documented for {path}"
    assert status < 500, f"{status}: {answer!r}"
    assert told[b"optical-api"] == b"1"
    if status != 200 and method != "HEAD":
        detail = json.loads(answer)["detail"]
        assert isinstance(detail, str), detail
        assert detail, "an empty complaint"
        assert "\n" not in detail, f"more than one line: {detail}"
    return status == 200


async def _asked(
    app: Callable[..., Any], scope: dict[str, Any], body: bytes
) -> tuple[int, dict[bytes, bytes], bytes]:
    """An application's whole answer: status, headers, body."""
    sent: list[dict[str, Any]] = []
    given = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(given, None) or await asyncio.Future()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), content


@st.composite
def _bodies(draw: Any) -> bytes:
    """A search with other values in some fields, as JSON that may be damaged."""
    body: dict[str, Any] = dict(_BODY)
    if draw(st.booleans()):
        del body["query"]
        body["queries"] = draw(st.lists(_VALUES, max_size=3) | st.just(["salty sea", "moon"]))
    names = st.sampled_from([*_BODY, "queries", "topp", "\ud800"])
    for name in draw(st.lists(names, max_size=2)):
        body[name] = draw(_VALUES)
    if draw(st.booleans()):
        body["model"] = draw(st.sampled_from(["bert", "bm25"]))
    whole = json.dumps(body if draw(st.integers(0, 9)) else [body]).encode()
    return draw(damaged_bytes(whole)) if draw(st.booleans()) else whole


SERVER_LAWS = {"server": server}
