"""Limits on what reading may cost, and progress reports.

Readers look up the allowance of their caller, so it isn't handed from function to function. The
`optical` command's limits are above those of any honest file. Uploads have lower ones, and a time
limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic

from optical_core.errors import InputError

EVERY = 0.2
"""Seconds between two progress reports."""


@dataclass(frozen=True)
class Allowance:
    """What reading may cost.

    Attributes:
        zipped: bytes that a zip file may unpack to.
        members: files that a zip file may contain.
        stream: bytes that a compressed file may unpack to.
        seconds: time that reading may take.
    """

    zipped: float = 2e9
    members: int = 100_000
    stream: float = math.inf
    seconds: float = math.inf


COMMAND = Allowance()
UPLOADS = Allowance(zipped=1e9, members=10_000, stream=1e9, seconds=60)

Tell = Callable[[str], None]
"""Takes a progress report; an exception from it ends the reading."""


@dataclass
class _Reading:
    allowance: Allowance
    tell: Tell | None = None
    begun: float = 0.0
    last_word: float = -math.inf


_current: ContextVar[_Reading] = ContextVar("reading", default=_Reading(COMMAND))  # noqa: B039


def allowance() -> Allowance:
    """The allowance of the current reader."""
    return _current.get().allowance


@contextmanager
def allowed(bounds: Allowance, tell: Tell | None = None) -> Iterator[None]:
    """Limit what this block reads.

    Args:
        bounds: the limits.
        tell: takes progress reports; by default the `tell` of the block around this one.
    """
    reading = _Reading(bounds, tell or _current.get().tell, monotonic())
    token = _current.set(reading)
    try:
        yield
    finally:
        _current.reset(token)


def watched() -> bool:
    """Has reading a time limit, or somebody to report progress to?"""
    reading = _current.get()
    return reading.tell is not None or reading.allowance.seconds < math.inf


def step(where: str) -> None:
    """Report progress and check the time; called between records, blocks or files.

    Args:
        where: what is being read, and how far.

    Raises:
        InputError: time is up. `tell` may raise other exceptions.
    """
    if not watched():
        return
    reading = _current.get()
    now = monotonic()
    if now - reading.begun > reading.allowance.seconds:
        raise InputError(
            f"reading took more than {reading.allowance.seconds:.0f} seconds, and had come to "
            f"{where}: the `optical` command has no such limit"
        )
    if reading.tell and now - reading.last_word >= EVERY:
        reading.last_word = now
        reading.tell(where)
