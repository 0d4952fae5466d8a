"""fast-plaid as a peer of `search`, run by the interpreter that `$OPTICAL_BENCH_PLAID` names.

It needs another PyTorch, and so another environment, where this file is run as a script.
`plaid.py VECTORS OFFSETS DIMENSION BITS FOLDER` builds an index and prints the seconds that this
took. Then it answers each query on its standard input with a line, the places of ten passages.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from optical_core.retrieval.token_index import TokenIndex

VARIABLE = "OPTICAL_BENCH_PLAID"


@contextlib.contextmanager
def plaid(
    index: TokenIndex, bits: int
) -> Iterator[tuple[Callable[[np.ndarray], list[str]], float] | None]:
    """Open a fast-plaid search of an index's vectors; also gives the seconds to build it.

    It gives None, and prints a line, if the variable names no interpreter.
    """
    if VARIABLE not in os.environ:
        print(f"fast-plaid is left out: {VARIABLE} names no Python that has it", file=sys.stderr)
        yield None
        return
    files = [str(index.folder / name) for name in ("vectors.f16", "offsets.i64")]
    with tempfile.TemporaryDirectory() as folder:
        command = [os.environ[VARIABLE], __file__, *files, str(index.dimension), str(bits), folder]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin
        assert process.stdout
        ask, answer = process.stdin, process.stdout
        seconds = float(answer.readline())

        def search(query: np.ndarray) -> list[str]:
            ask.write(len(query).to_bytes(4, "little") + query.astype("<f4").tobytes())
            ask.flush()
            return [index.ids[place] for place in json.loads(answer.readline())]

        try:
            yield search, seconds
        finally:
            ask.close()
            process.wait(60)


def main(vectors: str, offsets: str, dimension: str, bits: str, folder: str) -> None:
    import torch
    from fast_plaid.search import FastPlaid

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    width = int(dimension)
    tokens = torch.from_numpy(np.memmap(vectors, np.float16, "c").reshape(-1, width))
    lengths = np.diff(np.fromfile(offsets, np.int64)).tolist()
    # The library's own output must not mix with the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    begin = time.perf_counter()
    engine: Any = FastPlaid(folder, device="cpu")
    engine.create(list(tokens.float().split(lengths)), nbits=int(bits))
    print(time.perf_counter() - begin, file=answers, flush=True)
    while head := sys.stdin.buffer.read(4):
        size = int.from_bytes(head, "little") * width
        query = np.frombuffer(sys.stdin.buffer.read(4 * size), "<f4").reshape(1, -1, width)
        (hits,) = engine.search(torch.from_numpy(query.copy()), top_k=10, show_progress=False)
        print(json.dumps([place for place, _ in hits]), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
