"""The processes of one training: their ranks, and what they exchange.

`torchrun` and `accelerate launch` start one process a GPU, or several on CPUs, each with a rank.
Rank 0 writes files and measures while the others wait. Without a launcher there is one process, and
every function here returns its input.
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
"""How long ranks wait for one another: rank 0 may take so long to measure the dev set."""


def join(*, cpu: bool) -> None:
    """Connect to the other processes, if a launcher started any: gloo on CPUs, NCCL on GPUs."""
    if "LOCAL_RANK" not in os.environ or distributed.is_initialized():
        return
    from accelerate import PartialState

    # It also makes `cuda` mean this rank's GPU.
    PartialState(cpu=cpu, timeout=PATIENCE)
    if rank():
        logging.getLogger("optical_core").setLevel(logging.ERROR)


def leave() -> None:
    """Disconnect from the other processes."""
    if distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()


def rank() -> int:
    """Return the number of this process, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def count() -> int:
    """Return the number of processes."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def wait() -> None:
    """Wait until all ranks are here."""
    if count() > 1:
        distributed.barrier()


def check_share(batch_size: int, device: str | None) -> None:
    """Check that the processes can share batches of a training on a device.

    Raises:
        InputError: the batch can't be divided evenly, or the device names one GPU.
    """
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
    """Run a function only on rank 0; every rank gets its result.

    Raises:
        InputError: the function's, on every rank.
    """
    if count() == 1:
        return function()
    message: list[tuple[T | None, str | None]] = [(None, None)]
    if rank() == 0:
        try:
            message = [(function(), None)]
        except InputError as error:
            message = [(None, str(error))]
    distributed.broadcast_object_list(message)
    result, problem = message[0]
    if problem is not None:
        raise InputError(problem)
    return result  # type: ignore[return-value]


def total(values: Tensor) -> Tensor:
    """Sum a tensor over the ranks, without a gradient."""
    if count() == 1:
        return values.detach()
    summed = values.detach().clone()
    distributed.all_reduce(summed)
    return summed


def gather(rows: Tensor) -> list[Tensor]:
    """Collect each rank's rows (n_rank, …), in the order of the ranks, without a gradient.

    Ranks may have different numbers of rows; the other axes must agree.
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
