"""A server under load: `python -m tests.benchmarks.load`, only on 127.0.0.1.

It starts `optical serve` on a free port and asks each query once, one after another. Then 1, 8, 32
and 64 users at once ask them again, and every answer is compared with the first. Requests and time
are limited: queries for which the first round has no time are left out.
It uses the user's own home, where the encoder is converted and the collection indexed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from optical_core.data.records import package_versions
from optical_core.data.trec import DIGITS
from optical_core.errors import InputError
from optical_core.serve.client import Server
from optical_core.serve.schema import SearchAnswer, SearchRequest
from tests.benchmarks.timing import machine

USERS = (1, 8, 32, 64)
NOISE = 1.01 * 10**-DIGITS
"""One unit of a score's last digit, which batching may change."""
PACKAGES = ("fastapi", "uvicorn", "torch", "sentence-transformers")


@dataclass(frozen=True)
class Level:
    """The figures of one number of users.

    Attributes:
        lost: requests without an answer.
        wrong: answers that differ from the first round's.
        p50: median time to answer, in milliseconds; p95 and p99 likewise.
        per_second: answers a second.
    """

    users: int
    requests: int
    lost: int
    wrong: int
    p50: float
    p95: float
    p99: float
    per_second: float


@contextlib.contextmanager
def running_server(collection: str, models: str) -> Iterator[Server]:
    """Run `optical serve` on a free port, without kept answers, and end it by SIGTERM."""
    command = [
        sys.executable,
        "-m",
        "optical_core",
        "serve",
        "--collections",
        collection,
        "--models",
        models,
        "--port",
        "0",
        "--cache",  # or it would be the cache that is measured
        "0",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        if not line.startswith("ready: "):
            sys.exit("the server did not start; its output is above")
        yield Server(line.removeprefix("ready: "))
    finally:
        process.terminate()
        if code := process.wait(60):
            print(f"the server ended with code {code}", file=sys.stderr)


def requests_for(server: Server, collection: str, count: int, top: int) -> list[SearchRequest]:
    """Ask every model in turn for the collection's queries, with the languages mixed."""
    (served,) = server.collections()
    texts = [list(server.topics(collection, code).queries.values()) for code in served.languages]
    mixed = [text for same_need in zip(*texts, strict=False) for text in same_need]
    models = [model.name for model in server.models()]
    return [
        SearchRequest(
            collection=collection,
            model=models[number % len(models)],
            query=mixed[number // len(models) % len(mixed)],
            top=top,
            explain=False,
        )
        for number in range(count)
    ]


def same(answer: SearchAnswer, expected: SearchAnswer) -> bool:
    """Tell whether passages and scores agree up to noise; passages that close may swap."""
    if answer.query != expected.query or len(answer.results) != len(expected.results):
        return False
    if not answer.results:
        return True
    scores = {result.id: result.score for result in expected.results}
    last = expected.results[-1].score
    by_rank = zip(answer.results, expected.results, strict=True)
    return all(abs(mine.score - theirs.score) <= NOISE for mine, theirs in by_rank) and all(
        abs(result.score - scores.get(result.id, last)) <= NOISE for result in answer.results
    )


def measure(
    server: Server,
    requests: Sequence[SearchRequest],
    expected: Sequence[SearchAnswer],
    users: int,
    seconds: float,
) -> Level:
    """Send the requests with `users` threads; each sends the next when it has its answer."""
    numbers = iter(range(len(requests)))
    turn = threading.Lock()
    end = time.perf_counter() + seconds

    def user(_: int) -> list[tuple[float, bool, bool]]:
        seen = []
        while time.perf_counter() < end:
            with turn:
                number = next(numbers, None)
            if number is None:
                break
            begin = time.perf_counter()
            try:
                answer = server.search(requests[number])
            except InputError as error:
                print(error, file=sys.stderr)
                seen.append((time.perf_counter() - begin, True, False))
                continue
            took = time.perf_counter() - begin
            seen.append((took, False, not same(answer, expected[number])))
        return seen

    begin = time.perf_counter()
    with ThreadPoolExecutor(users) as threads:
        seen = [one for answered in threads.map(user, range(users)) for one in answered]
    wall = time.perf_counter() - begin
    p50, p95, p99 = np.percentile([1000 * took for took, _, _ in seen], (50, 95, 99)).tolist()
    lost, wrong = (sum(one[place] for one in seen) for place in (1, 2))
    return Level(users, len(seen), lost, wrong, p50, p95, p99, (len(seen) - lost) / wall)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--collection", default="demo")
    parser.add_argument("--models", default="optical-lowres,bm25")
    parser.add_argument("--requests", type=int, default=200, help="of each number of users")
    parser.add_argument("--seconds", type=float, default=60, help="at most, each round")
    parser.add_argument("--top", type=int, default=10)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    arguments = parser.parse_args()
    with running_server(arguments.collection, arguments.models) as server:
        requests = requests_for(server, arguments.collection, arguments.requests, arguments.top)
        end = time.perf_counter() + arguments.seconds
        answers: dict[SearchRequest, SearchAnswer] = {}
        for request in dict.fromkeys(requests):
            if time.perf_counter() < end:
                answers[request] = server.search(request)
        requests = [request for request in requests if request in answers]
        expected = [answers[request] for request in requests]
        print("| users | requests | lost | wrong | p50 ms | p95 ms | p99 ms | a second |")
        print("|---|---|---|---|---|---|---|---|")
        levels = []
        for users in USERS:
            level = measure(server, requests, expected, users, arguments.seconds)
            levels.append(level)
            times = f"{level.p50:.0f} | {level.p95:.0f} | {level.p99:.0f} | {level.per_second:.1f}"
            print(
                f"| {users} | {level.requests} | {level.lost} | {level.wrong} | {times} |",
                flush=True,
            )
    about = machine()
    print(f"\n{about['processor']}, {about['threads']} threads of {about['cores']} cores")
    if arguments.json:
        content = {
            "machine": about,
            "versions": package_versions(PACKAGES),
            "models": arguments.models,
            "collection": arguments.collection,
            "levels": [asdict(level) for level in levels],
        }
        arguments.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    sys.exit(any(level.lost or level.wrong for level in levels))


if __name__ == "__main__":
    main()
