"""The memory of an index and its searches: `python -m tests.benchmarks.memory`.

Passages have 32 unit tokens of 128 dimensions, drawn around a thousand random ones, and are indexed
by the product's code. Only the increase of anonymous memory counts: the system can take pages of
mapped files back. A million passages need 14 GB of disk in all, and some minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from optical_core.data.collection import Passage
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.modes import open_mode
from optical_core.retrieval.quantised import QuantisedIndex
from optical_core.retrieval.token_index import TokenIndex

DIMENSION, TOKENS, QUERY_TOKENS = 128, 32, 12
TOPICS, SPREAD = 1_000, 0.6
QUERIES = 64
_BLOCK = 256
_PAUSE = 0.01


class Noise(TokenEncoder):
    """Encodes texts as random vectors: only their use is measured."""

    def __init__(self) -> None:
        self.name, self.hash = "noise", "0" * 16
        self.model: Any = SimpleNamespace(device="cpu")
        self._generator = np.random.default_rng(0)
        self._topics = self._generator.standard_normal((TOPICS, DIMENSION), np.float32)

    @property
    def dimension(self) -> int:
        return DIMENSION

    def room(self, side: Any) -> int:
        return 1 << 20

    def encode(self, texts: Iterable[str], *_: Any, **__: Any) -> Iterator[np.ndarray]:
        remaining = iter(texts)
        while part := list(islice(remaining, _BLOCK)):
            yield from self._vectors(len(part), TOKENS)

    def queries(self) -> list[np.ndarray]:
        return list(self._vectors(QUERIES, QUERY_TOKENS))

    def _vectors(self, count: int, tokens: int) -> np.ndarray:
        shape = count, tokens, DIMENSION
        block = SPREAD * self._generator.standard_normal(shape, np.float32)
        block += self._topics[self._generator.integers(TOPICS, size=shape[:2])]
        return block / np.linalg.norm(block, axis=2, keepdims=True)


@contextlib.contextmanager
def peak() -> Iterator[dict[str, float]]:
    """Measure a block's largest increase of anonymous memory, in MB, and its seconds."""
    before, stop, used = _anonymous(), threading.Event(), {"MB": 0.0}

    def watch() -> None:
        while not stop.wait(_PAUSE):
            used["MB"] = max(used["MB"], _anonymous() - before)

    watcher = threading.Thread(target=watch)
    begin = time.perf_counter()
    watcher.start()
    try:
        yield used
    finally:
        used["seconds"] = time.perf_counter() - begin
        stop.set()
        watcher.join()


def _anonymous() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def measure(passages: int, folder: Path) -> None:
    """Print a line for each step with so many passages."""
    encoder = Noise()
    queries = encoder.queries()

    def step(name: str, act: Callable[[], Any], per_query: int = 0) -> Any:
        with peak() as used:
            made = act()
        spent = used["seconds"]
        duration = f"{1e3 * spent / per_query:.0f} ms a query" if per_query else f"{spent:.0f} s"
        print(f"| {passages:,} | {name} | {used['MB']:.0f} MB | {duration} |", flush=True)
        return made

    texts = (Passage(str(number), "", "text") for number in range(passages))
    step("build", lambda: build_index(folder / "index", texts, encoder))
    index: TokenIndex = step("open", lambda: TokenIndex.open(folder / "index"))
    step(f"exact: {QUERIES} queries at once", lambda: index.search_many(queries), QUERIES)
    eight = step("int8: make", lambda: QuantisedIndex.open(index))
    step(f"int8: {QUERIES} queries", lambda: eight.search_many(queries), QUERIES)
    few = step("candidates: make", lambda: open_mode(index, "candidates"))
    step(f"candidates: {QUERIES} queries", lambda: few.search_many(queries), QUERIES)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.memory")
    parser.add_argument("--passages", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    arguments = parser.parse_args()
    print("| passages | step | memory | time |\n|---|---|---|---|", flush=True)
    for passages in arguments.passages:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            measure(passages, Path(folder))


if __name__ == "__main__":
    main()
