"""Run the parts of a search, or of a batch of plans, on threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

Part = TypeVar("Part")


def at_once(parts: Sequence[Part], work: Callable[[Part], object]) -> None:
    """Call `work`, which must release the GIL, for each part on a thread of its own.

    The calling thread does the first part: short work takes less time than waking a thread.
    """
    first, *rest = parts
    running = [_pool(len(rest)).submit(work, part) for part in rest]
    try:
        work(first)
    finally:
        for other in running:
            other.result()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="part")
