"""The parts of a search or of a batch of plans on threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

Part = TypeVar("Part")


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
