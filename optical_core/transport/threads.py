"""Pairs over threads, for solvers that let go of Python's lock while they work."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import torch


def over_threads(pairs: int, work: Callable[[np.ndarray], object]) -> None:
    """Have `work` do all pairs: each of torch's number of threads gets a share of their indices."""
    threads = min(torch.get_num_threads(), pairs)
    order = np.arange(pairs)
    if threads == 1:
        work(order)
    elif threads:
        list(_pool(threads).map(work, [order[part::threads] for part in range(threads)]))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="transport")
