"""Compressed indexes of real text: `python -m tests.benchmarks.compression`.

For each form of the vectors it prints the bytes of a passage of 60 tokens (vectors alone; a codec
has a few MB for all passages), how much of the exact top ten of fp16 vectors is kept, with a 95 %
interval over the queries, MAP, and the milliseconds of a query. Collections are those of
`real_text`; their English queries are asked, with the embedded encoder.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from optical_core.analysis.metrics import mean_measures
from optical_core.data.trec import Hits
from optical_core.process import prepare
from optical_core.retrieval.compression import UNCOMPRESSED, Compression
from optical_core.retrieval.indexing import compress_index
from optical_core.retrieval.live_index import LiveIndex
from optical_core.retrieval.modes import open_mode
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.vector_files import PLAIN, STANDING
from tests.benchmarks.real_text import NAMES, RealText, real_text
from tests.benchmarks.search import _recall
from tests.benchmarks.timing import machine

FORMS = (
    UNCOMPRESSED,
    Compression(bits=8),
    Compression(bits=4),
    Compression(bits=2),
    Compression(bits=2, dims=192),
    Compression(bits=2, dims=128),
    Compression(bits=2, pool=2),
    Compression(bits=2, pool=3),
    Compression(bits=2, dims=192, pool=3),
    Compression(bits=2, dims=128, pool=3),
)
TOKENS = 60
DEPTH = 1000


def main() -> None:
    prepare()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.compression")
    parser.add_argument("--collections", nargs="+", default=NAMES, choices=NAMES)
    for name in parser.parse_args().collections:
        text = real_text(name)
        tokens = text.index.tokens / len(text.index)
        print(f"\n{name}: {len(text.index):,} passages of {tokens:.0f} tokens, ", end="")
        print(f"{len(text.queries)} queries\n")
        print("| form | bytes | recall@10 | MAP | ms a query |\n|---|---|---|---|---|", flush=True)
        for line in rows(text):
            print(line, flush=True)
    about = machine()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"\n{about['processor']}, {about['threads']} threads; load {load}")


def rows(text: RealText) -> Iterator[str]:
    """A line of the table for each form."""
    queries = list(text.queries.values())
    original = text.index.tokens
    best = [{passage for passage, _ in hits} for hits in text.index.search_many(queries, top=10)]
    for form in FORMS:
        with tempfile.TemporaryDirectory(dir=text.index.folder.parent) as folder:
            index = text.index
            if not form.plain:
                index = compress_index(Path(folder, "index"), LiveIndex(text.index.folder), form)
            hits = index.search_many(queries, top=DEPTH)
            size = TOKENS * _bytes(index) / original
            found = dict(zip(map(id, queries), hits, strict=True))
            kept = _recall(best, lambda query, found=found: _ten(found[id(query)]), queries)
            run = {name: dict(ranked) for name, ranked in zip(text.queries, hits, strict=True)}
            quality = mean_measures(run, text.qrels)["AP"]
            spent = _milliseconds(index, queries)
            yield f"| {_named(form)} | {size:,.0f} | {kept} | {quality:.4f} | {spent:.1f} |"


def _ten(hits: Hits) -> list[str]:
    return [passage for passage, _ in hits[:10]]


def _named(form: Compression) -> str:
    parts = ["fp16" if form.bits == 16 else f"`--bits {form.bits}`"]
    parts += [f"`--dims {form.dims}`"] if form.dims else []
    parts += [f"`--pool {form.pool}`"] if form.pool > 1 else []
    return " ".join(parts)


def _bytes(index: TokenIndex) -> int:
    """Bytes of an index's vectors, and of the tokens that stand for them."""
    names = (PLAIN, "vectors.packed", STANDING)
    files = [index.folder / name for name in names if (index.folder / name).is_file()]
    return sum(file.stat().st_size for file in files)


def _milliseconds(index: TokenIndex, queries: list[np.ndarray]) -> float:
    """The median of a query in the mode int8."""
    store = open_mode(index, "int8")
    store.search(queries[0])
    spent = []
    for query in queries[:100]:
        begin = time.perf_counter()
        store.search(query)
        spent.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(spent)


if __name__ == "__main__":
    main()
