"""Processes that die, run out of disk, or run at once: forks of the test, which start fast."""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree", "os.truncate"}
"""Audit events that change a folder; `open` does if it is opened to be written."""


def fork(call: Callable[[], Any]) -> int:
    """Run `call` in a child and return its number. It ends with 0, or 1 if the call raised."""
    child = os.fork()
    if child:
        return child
    try:
        import torch

        gc.disable()  # an object of the parent's may wait for threads that didn't survive
        torch.set_num_threads(1)  # OpenMP's threads don't survive a fork
        call()
        code = 0
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def ended(child: int) -> int:
    """Exit code of a child, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def together(*calls: Callable[[], Any]) -> list[int]:
    """Exit codes of calls that ran at once."""
    return [ended(child) for child in [fork(call) for call in calls]]


def killed_at(number: int, folder: Path, call: Callable[[], Any]) -> bool:
    """Run `call` in a child that is killed as it begins its `number`th change in `folder`.

    False if it came to its end before.
    """
    seen = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event != "open" and event not in WRITES:
            return
        if not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        if event == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        if os.fsdecode(arguments[0]).startswith(str(folder)):
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    def run() -> None:
        sys.addaudithook(watch)
        call()

    code = ended(fork(run))
    assert code in (0, -signal.SIGKILL), f"ended with {code}"
    return code != 0


def killed_everywhere(folder: Path, call: Callable[[], Any], *, every: int = 1) -> Iterator[int]:
    """Kill `call` at its 1st change in `folder`, at the next, …, until it comes to its end."""
    number = 1
    while killed_at(number, folder, call):
        yield number
        number += every


def with_small_files(limit: int, call: Callable[[], Any]) -> int:
    """Exit code of `call` in a child whose disk takes no file of more than `limit` bytes."""

    def run() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        call()

    return ended(fork(run))


def unprivileged(folder: Path, call: Callable[[], Any]) -> int:
    """Exit code of `call` in a child that may read `folder`, but write nothing in it."""

    def run() -> None:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        call()

    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        return ended(fork(run))
    finally:
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


def open_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that every user of the machine can read, which pytest's are not."""
    folder = tempfile.TemporaryDirectory()
    os.chmod(folder.name, 0o755)
    return folder


def left_over(folder: Path) -> list[str]:
    """Temporary files and folders, and what was moved aside."""
    return [str(path.relative_to(folder)) for path in folder.rglob(".*")]
