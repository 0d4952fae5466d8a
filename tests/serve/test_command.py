"""`optical serve` as a process: ready when it says so, and ended by SIGTERM without a loss."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request

import pytest

from optical_core.errors import InputError
from optical_core.serve.command import serve
from optical_core.serve.limits import Limits


def post(address, body, timeout=60):
    request = urllib.request.Request(
        f"{address}/search", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return answer.status


def waiting(address):
    with urllib.request.urlopen(f"{address}/health", timeout=60) as answer:
        return json.load(answer)["waiting"]


def test_sigterm_answers_what_runs_refuses_new_and_exits_0(collection, tiny_encoder, ask, home):
    process = subprocess.Popen(
        [sys.executable, "-m", "optical_core", "serve", "--collections", str(collection.folder),
         "--models", f"{tiny_encoder},bm25", "--port", "0", "--batch-size", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OPTICAL_HOME": str(home)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith("ready: http://127.0.0.1:"), line
        address = line.removeprefix("ready: ")
        assert post(address, ask()) == 200
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda: statuses.append(post(address, ask(explain=True))))
            for _ in range(24)
        ]
        for thread in threads:
            thread.start()
        # Until all are taken on: one runs, the others wait or are answered.
        while len(statuses) + waiting(address) < 23:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(60)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert statuses == [200] * 24
    assert "Traceback" not in errors
    with pytest.raises(OSError, match="refused"):
        post(address, ask(), timeout=5)


def test_a_port_that_is_taken_is_told_before_anything_is_loaded():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen on 127.0.0.1, port {port}"):
            serve(["nope"], ["nope"], host="127.0.0.1", port=port, limits=Limits())


def test_unknown_names_are_refused_at_start():
    for collections in ([], ["no-such-collection"]):
        with pytest.raises(InputError):
            serve(collections, ["bm25"], host="127.0.0.1", port=0, limits=Limits())


def test_without_the_extra_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(InputError, match=r"optical-workbench\[serve\]"):
        serve(["demo"], ["bm25"], host="127.0.0.1", port=0, limits=Limits())
