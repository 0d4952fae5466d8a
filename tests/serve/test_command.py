"""`optical serve` as a process: ready when it says so, and ended by SIGTERM without a loss."""

import json
import os
import signal
import socket
import sys
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from optical_core.errors import InputError
from optical_core.serve.command import serve
from optical_core.serve.limits import Limits
from tests.processes import OPTICAL, Program


def post(address, body, timeout=60):
    request = urllib.request.Request(
        f"{address}/search", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return answer.status


def waiting(address):
    with urllib.request.urlopen(f"{address}/health", timeout=60) as answer:
        return json.load(answer)["waiting"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_has_what_runs_answered_and_ends_it_well(
    number, collection, tiny_encoder, ask, home
):
    # The tests themselves may run under nohup.
    program = Program(
        f"import signal; signal.signal({number:d}, signal.SIG_DFL); {OPTICAL}",
        "serve",
        "--collections",
        collection.folder,
        "--models",
        f"{tiny_encoder},bm25",
        "--port",
        0,
        "--batch-size",
        1,
        environment=os.environ | {"OPTICAL_HOME": str(home)},
    )
    try:
        program.wait(lambda: "\n" in program.output)
        line = program.output.splitlines()[0]
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
            assert program.runs
        program.send(number)
        for thread in threads:
            thread.join(60)
    finally:
        code, _, errors = program.ended(60)
    assert code == 0, errors
    assert statuses == [200] * 24
    assert "Traceback" not in errors
    with pytest.raises(OSError, match="refused"):
        post(address, ask(), timeout=5)


SLOW = """
import signal, sys, threading
from optical_core.serve import answering, command
from optical_core.serve.limits import Limits

def slow(holdings, requests):
    if requests[0].query != "water":  # that of the warm-up
        print("begun", flush=True)
        threading.Event().wait(1)
    return answered(holdings, requests)

answered, answering.answer_together = answering.answer_together, slow
command.GRACE_SECONDS = 0.2
command.serve([sys.argv[1]], ["bm25"], host="127.0.0.1", port=0, limits=Limits(batch=1))
"""


@pytest.mark.slow
def test_what_a_stopping_server_does_not_come_to_is_refused_without_a_traceback(
    collection, ask, home
):
    program = Program(SLOW, collection.folder, environment=os.environ | {"OPTICAL_HOME": str(home)})
    try:
        program.wait(lambda: "\n" in program.output)
        address = program.output.splitlines()[0].removeprefix("ready: ")
        with ThreadPoolExecutor(3) as threads:
            asked = [threads.submit(refusal, address, ask(model="bm25")) for _ in range(3)]
            program.wait(lambda: program.output.endswith("\nbegun\n"))
            program.wait(lambda: waiting(address) == 2)
            program.send(signal.SIGTERM)
            refusals = [one.result(60) for one in asked]
    finally:
        code, _, errors = program.ended(60)
    assert code == 0, errors
    assert refusals == [(503, "the server is stopping: ask again when it is back")] * 3
    assert "Traceback" not in errors
    assert "CancelledError" not in errors


def refusal(address, body):
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(address, body)
    return caught.value.code, json.load(caught.value)["detail"]


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
