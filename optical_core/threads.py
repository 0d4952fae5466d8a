"""How many threads the parts of a search or of a batch of plans take."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import torch

Part = TypeVar("Part")


@contextlib.contextmanager
def one_torch_thread() -> Iterator[None]:
    """For work too small to share: torch's threads, which go on spinning for a while after it,
    would hold the cores that OpenVINO's threads and maxsim.c's need next."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def at_once(parts: Sequence[Part], work: Callable[[Part], object]) -> None:
    """Have `work`, which lets go of Python's lock, do each part on a thread of its own.

    The calling thread does the first: short work takes less than waking a thread for it.
    """
    own, *others = parts
    running = [_pool(len(others)).submit(work, part) for part in others]
    try:
        work(own)
    finally:
        for other in running:
            other.result()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="part")
