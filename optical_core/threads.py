"""How many threads the small parts of a search may take."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


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
