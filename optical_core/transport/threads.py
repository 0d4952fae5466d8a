"""Pairs shared out to threads, for solvers that release Python's lock."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from optical_core.threads import at_once


def over_threads(pairs: int, work: Callable[[np.ndarray], object], *, least: int = 1) -> None:
    """Share pairs out to threads, at most as many as torch has.

    Args:
        pairs: their number.
        work: called once a thread with the indices of its pairs.
        least: a thread gets at least this many pairs.
    """
    threads = min(torch.get_num_threads(), max(1, pairs // least), pairs)
    order = np.arange(pairs)
    if threads:
        at_once([order[part::threads] for part in range(threads)], work)
