"""A calculation for large collections: `python -m tests.benchmarks.scale`.

It prints the tables of assets/docs/pages/scale.md. They are computed from figures measured on two
cores (assets/docs/pages/speed.md) and from assumptions, which are named as such. Waiting times are
simulated with Poisson arrivals. Each replica has one worker, whose next batch is everything that
waits, as in serve/batching.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from optical_core.retrieval.candidates import DIMENSIONS as POOLED
from optical_core.retrieval.candidates import WINDOW
from optical_core.retrieval.int8_kernel import token_bytes

TOKENS = 60
"""Tokens of a passage without punctuation."""
SIZES = {"10M": 10**7, "100M": 10**8, "1B": 10**9}
DIMENSIONS = (128, 384)

# Measured: `optical bench encode search --quick`, two cores.
MEASURED = 384
"""Dimensions."""
ENCODED = 11_000
"""Tokens a second of passages in bf16."""
INT8_MS, CANDIDATES_MS = 7.6, 3.4
"""Milliseconds of one query among 10,000 passages."""
QUERY_MS = 13.0
"""Milliseconds to encode one query in fp32."""

# Assumed.
GPU_ENCODED = 500_000
"""Tokens a second of one data-centre GPU."""
CORES, MEMORY, DISK = 32, 256e9, 8e12
"""A machine's cores, and bytes of memory and of NVMe; scoring scales with the cores."""
BANDWIDTH = 200e9
"""Bytes of memory that a machine reads in a second: no scan is faster, with any number of cores."""
USED = 0.75
"""Share of memory and disk that vectors may take."""
SHARE = 0.01
"""Share of the passages that a vector index leaves to be scored."""
BUDGET_MS = 500.0
"""Milliseconds within which 95 of 100 answers must come."""


_SCANS = {"int8": ("int8", INT8_MS), "candidates": ("means, int8", CANDIDATES_MS)}
"""Mode -> the storage that it reads of every passage, and its measured time."""


def passage_bytes(dimension: int) -> dict[str, int]:
    """Compute the bytes of a passage's token vectors in each form of storage."""
    return {
        "fp16": TOKENS * 2 * dimension,
        "int8": TOKENS * token_bytes(dimension),
        "means, int8": -(-TOKENS // WINDOW) * token_bytes(min(dimension, POOLED)),
        # ColBERTv2: two bits a dimension and the number of a centroid in four bytes.
        "residual, 2 bits": TOKENS * (dimension // 4 + 4),
    }


def machines(bytes_needed: float, each: float) -> int:
    return math.ceil(bytes_needed / (USED * each))


def waiting(
    rate: float, replicas: int, *, first: float, more: float, seconds: float = 600, seed: int = 0
) -> np.ndarray:
    """Simulate the milliseconds from arrival to answer of every query.

    Args:
        rate: queries a second over all replicas, which take turns.
        replicas: how many there are.
        first: milliseconds of a batch of one query.
        more: milliseconds that each further query of a batch adds.
        seconds: of the simulation.
        seed: of the arrivals.
    """
    draw = np.random.default_rng(seed)
    arrivals = np.cumsum(draw.exponential(1000 / rate, int(rate * seconds)))
    answered = np.empty(len(arrivals))
    for replica in range(replicas):
        arrived = arrivals[replica::replicas]
        done = np.empty(len(arrived))
        free, next_one = 0.0, 0
        while next_one < len(arrived):
            begin = max(free, arrived[next_one])
            end = int(np.searchsorted(arrived, begin, "right"))
            free = begin + first + more * (end - next_one - 1)
            done[next_one:end] = free
            next_one = end
        answered[replica::replicas] = done
    return answered - arrivals


def scan_ms(passages: float, mode: str) -> float:
    """Estimate one query's milliseconds on one machine, from two cores' for 10,000 passages."""
    storage, measured = _SCANS[mode]
    computed = measured * passages / 10_000 * 2 / CORES
    read = 1e3 * passages * passage_bytes(MEASURED)[storage] / BANDWIDTH
    return max(computed, read)


def tables() -> Iterator[str]:
    yield "\n".join(_storage())
    yield "\n".join(_machines())
    yield "\n".join(_encoding())
    yield "\n".join(_latency())
    yield "\n".join(_load())


def _row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _head(*cells: str) -> list[str]:
    return [_row(*cells), "|" + "---|" * len(cells)]


def _size(count: float) -> str:
    return f"{count / 1e12:.3g} TB" if count >= 1e12 else f"{count / 1e9:.3g} GB"


def _storage() -> Iterator[str]:
    yield from _head("dimensions", "storage", "bytes a passage", *SIZES)
    for dimension in DIMENSIONS:
        for name, size in passage_bytes(dimension).items():
            totals = (_size(size * count) for count in SIZES.values())
            yield _row(dimension, name, f"{size:,}", *totals)


def _machines() -> Iterator[str]:
    yield from _head("passages", "dimensions", "int8 in memory", "2 bits in memory", "fp16 on disk")
    for name, count in SIZES.items():
        for dimension in DIMENSIONS:
            size = passage_bytes(dimension)
            yield _row(
                name,
                dimension,
                machines(count * size["int8"], MEMORY),
                machines(count * size["residual, 2 bits"], MEMORY),
                machines(count * size["fp16"], DISK),
            )


def _encoding() -> Iterator[str]:
    yield from _head("passages", "core hours", "GPU hours")
    for name, count in SIZES.items():
        cores = count * TOKENS / ENCODED * 2 / 3600
        gpus = count * TOKENS / GPU_ENCODED / 3600
        yield _row(name, f"{cores:,.0f}", f"{gpus:,.1f}")


def _latency() -> Iterator[str]:
    yield from _head(
        "passages a machine", "int8, all", "means first, all", f"int8, {SHARE:.0%} of them"
    )
    for count in (10**6, 10**7, 10**8):
        yield _row(
            f"{count:,}",
            f"{QUERY_MS + scan_ms(count, 'int8'):,.0f} ms",
            f"{QUERY_MS + scan_ms(count, 'candidates'):,.0f} ms",
            f"{QUERY_MS + scan_ms(count * SHARE, 'int8'):,.0f} ms",
        )


def _load() -> Iterator[str]:
    yield from _head("queries a second", "replicas", "p50", "p95", "p99")
    first = QUERY_MS + scan_ms(10**7 * SHARE, "int8")
    for rate in (5, 20, 80):
        replicas = needed(rate, first=first, more=first)
        times = np.quantile(waiting(rate, replicas, first=first, more=first), (0.5, 0.95, 0.99))
        yield _row(rate, replicas, *(f"{value:,.0f} ms" for value in times))


def needed(rate: float, *, first: float, more: float) -> int:
    """Find the fewest replicas with which 95 of 100 answers come within the budget."""
    replicas = 1
    while np.quantile(waiting(rate, replicas, first=first, more=more), 0.95) > BUDGET_MS:
        replicas += 1
    return replicas


def main() -> None:
    print("\n\n".join(tables()))


if __name__ == "__main__":
    main()
