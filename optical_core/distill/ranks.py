"""The processes of one training: which one this is, and what they tell each other.

`torchrun` and `accelerate launch` start one process a GPU, or several on CPUs, each with a rank.
Rank 0 writes files and measures, the others wait for it. Without a launcher there is one process,
to which every function here gives back what it got.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed

from optical_core.errors import InputError

T = TypeVar("T")

PATIENCE = timedelta(hours=2)
"""How long ranks wait for another: as long as rank 0 may take to measure the dev set."""


def join(*, cpu: bool) -> None:
    """Meet the other processes, if a launcher has started any; gloo on CPUs, NCCL on GPUs."""
    if "LOCAL_RANK" not in os.environ or distributed.is_initialized():
        return
    from accelerate import PartialState

    # Also makes this rank's GPU the one that `cuda` means.
    PartialState(cpu=cpu, timeout=PATIENCE)
    if rank():
        logging.getLogger("optical_core").setLevel(logging.ERROR)


def leave() -> None:
    """Take leave of the others at the end."""
    if distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()


def rank() -> int:
    """Number of this process, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def count() -> int:
    """Number of processes."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def wait() -> None:
    """Go on when all ranks have come here."""
    if count() > 1:
        distributed.barrier()


def check_share(batch_size: int, device: str | None) -> None:
    """Raise InputError where the processes can't share batches of a training on a device."""
    if count() == 1:
        return
    if batch_size % count():
        raise InputError(
            f"{count()} processes cannot share a batch of {batch_size} evenly: choose a "
            f"batch_size that is a multiple of {count()}, or other processes"
        )
    if device not in (None, "cpu", "cuda"):
        raise InputError(f"each process has a GPU of its own: leave --device {device} out")


def once(function: Callable[[], T]) -> T:
    """Run a function on rank 0 alone; every rank gets its result, or its InputError."""
    if count() == 1:
        return function()
    told: list[tuple[T | None, str | None]] = [(None, None)]
    if rank() == 0:
        try:
            told = [(function(), None)]
        except InputError as error:
            told = [(None, str(error))]
    distributed.broadcast_object_list(told)
    result, problem = told[0]
    if problem is not None:
        raise InputError(problem)
    return result  # type: ignore[return-value]


def total(values: Tensor) -> Tensor:
    """Sum of a tensor over the ranks; has no gradient."""
    if count() == 1:
        return values.detach()
    summed = values.detach().clone()
    distributed.all_reduce(summed)
    return summed


def gather(rows: Tensor) -> list[Tensor]:
    """Each rank's rows (n_rank, …), in the order of the ranks; has no gradient.

    Ranks may have different numbers of rows; what follows the first axis must be alike.
    """
    if count() == 1:
        return [rows.detach()]
    sizes = [torch.zeros(1, dtype=torch.int64, device=rows.device) for _ in range(count())]
    distributed.all_gather(sizes, torch.tensor([len(rows)], device=rows.device))
    counts = [int(size) for size in sizes]
    padded = rows.new_zeros((max(counts), *rows.shape[1:]))
    padded[: len(rows)] = rows.detach()
    parts = [torch.empty_like(padded) for _ in counts]
    distributed.all_gather(parts, padded)
    return [part[:size] for part, size in zip(parts, counts, strict=True)]
