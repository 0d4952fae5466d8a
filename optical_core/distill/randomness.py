"""Random numbers of a training, kept apart from those of its caller."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch


@contextlib.contextmanager
def own_random_numbers() -> Iterator[None]:
    """What is seeded and drawn within stays within: the caller's go on where they were.

    transformers' trainer seeds Python, NumPy and torch for the whole process. Where other threads
    draw too, a training needs a process of its own (see `jobs`).
    """
    python, arrays = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)
