"""A training's random numbers, separate from its caller's."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch


@contextlib.contextmanager
def own_random_numbers() -> Iterator[None]:
    """Restore the caller's random state at the end, whatever is seeded and drawn inside.

    transformers' trainer seeds Python, NumPy and torch for the whole process. If other threads also
    draw numbers, a training needs its own process (see `jobs`).
    """
    python, arrays = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)
