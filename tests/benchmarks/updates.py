"""Updates and filters of an index that lives: `python -m tests.benchmarks.updates [PASSAGES]`.

Passages are random unit vectors, 24 tokens of 128 dimensions, so that nothing is encoded: what is
printed is the time beyond encoding. The filter keeps 1 % of the passages.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from optical_core.data.collection import Passage
from optical_core.data.where import FieldTable
from optical_core.models.token_encoder import TokenEncoder
from optical_core.process import prepare
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.live_index import LiveIndex
from optical_core.retrieval.recall import queries_of
from optical_core.retrieval.updating import compact_index, delete_from_index, update_index

TOKENS, DIMENSION = 24, 128
UPDATED = 1000
MODES = ("exact", "int8", "candidates")
WHERE = "year = 1907"
"""One of a hundred years."""


class RandomVectors:
    """Stands for an encoder: the vectors of a passage are slices of a long random matrix."""

    name, hash, dimension = "random", "0" * 16, DIMENSION
    model = SimpleNamespace(device="cpu")

    def __init__(self) -> None:
        self._generator = np.random.default_rng(0)
        vectors = self._generator.standard_normal((1 << 18, DIMENSION)).astype(np.float32)
        self._vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def encode(self, texts: Iterable[str], side: str, **_: Any) -> Iterator[np.ndarray]:
        for _text in texts:
            begin = self._generator.integers(len(self._vectors) - TOKENS)
            yield self._vectors[begin : begin + TOKENS]


def main() -> None:
    prepare()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    encoder = cast(TokenEncoder, RandomVectors())
    passages = [
        Passage(f"p{n}", "", f"passage {n}", {"year": 1900 + n % 100}) for n in range(count)
    ]
    new = [Passage(f"p{7 * n % (count + UPDATED)}", "", f"new {n}") for n in range(UPDATED)]
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home, "index")
        index = build_index(folder, passages, encoder)
        queries = queries_of(index, seed=3, count=20)
        stores = {mode: LiveIndex(folder, mode) for mode in MODES}
        fields, seconds = _timed(lambda: FieldTable(passages))
        print(f"fields of {count:,} passages: {seconds:.2f} s, once")
        among, seconds = _timed(lambda: fields.matching(WHERE))
        print(f"condition on {count:,} passages: {1e3 * seconds:.0f} ms; keeps {len(among):,}")
        _print_searches("as built", stores, queries, among)
        _, seconds = _timed(lambda: update_index(folder, new, encoder))
        print(f"update of {UPDATED:,} passages: {seconds:.2f} s")
        for mode, store in stores.items():
            _, seconds = _timed(lambda store=store: store.search(queries[0]))
            print(f"next search, {mode}: {1e3 * seconds:.0f} ms")
        _, seconds = _timed(lambda: delete_from_index(folder, [p.id for p in new[: UPDATED // 2]]))
        print(f"deletion of {UPDATED // 2:,} passages: {seconds:.2f} s")
        _print_searches("after updates", stores, queries, among)
        _, seconds = _timed(lambda: compact_index(folder))
        print(f"compaction, with the modes' files: {seconds:.1f} s")


def _print_searches(
    label: str,
    stores: dict[str, LiveIndex],
    queries: list[np.ndarray],
    among: frozenset[str],
) -> None:
    for mode, store in stores.items():
        medians = []
        for chosen in (None, among):
            store.search(queries[0], among=chosen)
            spent = [
                _timed(lambda q=q, chosen=chosen: store.search(q, among=chosen))[1]  # noqa: B023
                for q in queries
            ]
            medians.append(1e3 * statistics.median(spent))
        everything, filtered = medians
        print(f"{label}, {mode}: {everything:.1f} ms a query, filtered {filtered:.1f} ms")


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.perf_counter()
    value = call()
    return value, time.perf_counter() - begin


if __name__ == "__main__":
    main()
