"""Search as a collection grows to ten million passages: `python -m tests.benchmarks.growth`.

`write` draws passages of 32 tokens around real ones (see `drawn`), and writes their indexes in one
pass as `--bits 2 --pool 3` does. `prepare` makes the files of the mode candidates, and finds the
best ten of all passages for 100 real queries. `search` asks these queries one at a time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from optical_core.data.collection import Passage
from optical_core.process import prepare
from optical_core.retrieval.compression import Compression
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.live_index import LiveIndex
from optical_core.retrieval.packed_vectors import PackedVectors
from optical_core.retrieval.token_index import TokenIndex
from optical_core.storage import home, replace_file
from tests.benchmarks.drawn import Drawn
from tests.benchmarks.memory import peak
from tests.benchmarks.real_text import real_text
from tests.benchmarks.timing import machine

TOKENS, POOL = 32, 3
FORM = Compression(bits=2)
"""Vectors are pooled already."""
QUERIES = 100
SIZES = (100_000, 1_000_000, 10_000_000)
BEST = "best.json"


def main() -> None:
    prepare()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growth")
    parser.add_argument("step", choices=("write", "prepare", "search"))
    parser.add_argument("--passages", type=int, nargs="+", default=SIZES)
    arguments = parser.parse_args()
    text = real_text("mixed")
    queries = list(text.queries.values())[:QUERIES]
    for count in arguments.passages if arguments.step != "search" else ():
        _write(count, text.index) if arguments.step == "write" else _prepare(count, queries)
    if arguments.step != "search":
        return
    print("| passages | index | bytes each | mode | recall@10 | p50 | p95 | memory | mapped |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for count in arguments.passages:
        print(_row(count, queries), flush=True)
    about = machine()
    print(f"\n{about['processor']} {about['vector extensions']}, {about['threads']} threads")


def folder_of(count: int) -> Path:
    return home("bench", f"growth-{count}")


def _write(count: int, source: TokenIndex) -> None:
    passages = (Passage(str(number), "", "text") for number in range(count))
    encoder = Drawn(source, TOKENS, POOL)
    with peak() as used:
        build_index(folder_of(count), passages, encoder, compression=FORM, count=count)
    print(f"{count:,}: written in {used['seconds']:.0f} s, {used['MB']:.0f} MB", flush=True)


def _prepare(count: int, queries: Sequence[np.ndarray]) -> None:
    folder = folder_of(count)
    with peak() as used:
        store = LiveIndex(folder, "candidates")
    print(f"{count:,}: {store.mode}, {used['seconds']:.0f} s, {used['MB']:.0f} MB", flush=True)
    with peak() as used:
        scan = LiveIndex(folder, "int8")
        best = [[name for name, _ in scan.search(query)] for query in queries]
    print(f"{count:,}: best of all, {used['seconds']:.0f} s, {used['MB']:.0f} MB", flush=True)
    with replace_file(folder / BEST) as temporary:
        temporary.write_text(json.dumps(best))


def _row(count: int, queries: Sequence[np.ndarray]) -> str:
    folder = folder_of(count)
    best = json.loads((folder / BEST).read_text())
    size = sum(path.stat().st_size for path in folder.iterdir())
    before = _resident()
    store = LiveIndex(folder, "candidates")
    _read_through(folder)
    shares = []
    for query, wanted in zip(queries, best, strict=True):
        found = {name for name, _ in store.search(query)}
        shares.append(len(found.intersection(wanted)) / len(wanted))
    spent = []
    for query in queries:
        begin = time.perf_counter()
        store.search(query)
        spent.append(1e3 * (time.perf_counter() - begin))
    after = _resident()
    (segment,) = store.snapshot().stores
    vectors = store.snapshot().indexes[0].vectors
    assert isinstance(vectors, PackedVectors)
    mode = f"{segment.mode}, {len(vectors.codec.centroids):,} centroids"
    if factor := getattr(segment, "factor", None):
        mode += f", {factor} x"
    median, late = statistics.median(spent), float(np.quantile(spent, 0.95))
    memory, mapped = ((after[key] - before[key]) / 1e6 for key in ("RssAnon", "RssFile"))
    return (
        f"| {count:,} | {size / 1e9:.2f} GB | {size / count:,.0f} | {mode} "
        f"| {np.mean(shares):.4f} | {median:.1f} ms | {late:.1f} ms "
        f"| {memory:.1f} GB | {mapped:.1f} GB |"
    )


def _read_through(folder: Path) -> None:
    """Read the vectors once, as a server's first queries would, in their order."""
    with (folder / "vectors.packed").open("rb", buffering=0) as file:
        while file.read(1 << 24):
            pass


def _resident() -> dict[str, float]:
    """Kilobytes of this process's memory: its own, and of mapped files."""
    lines = Path("/proc/self/status").read_text().splitlines()
    pairs = (line.split(":") for line in lines if line.startswith("Rss"))
    return {name: float(value.split()[0]) for name, value in pairs}


if __name__ == "__main__":
    main()
