"""Pairs over threads, for solvers that let go of Python's lock while they work."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from optical_core.threads import at_once


def over_threads(pairs: int, work: Callable[[np.ndarray], object], *, least: int = 1) -> None:
    """Have `work` do all pairs: each of torch's number of threads gets a share of their indices.

    least: so many pairs are worth waking a thread for.
    """
    threads = min(torch.get_num_threads(), max(1, pairs // least), pairs)
    order = np.arange(pairs)
    if threads:
        at_once([order[part::threads] for part in range(threads)], work)
