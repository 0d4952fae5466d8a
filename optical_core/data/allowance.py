"""What reading may cost, and word of how far it is.

Readers ask for the allowance of whoever called them, so that none has to hand it on. The `optical`
command's bounds what no honest file has. Uploads have less, and must come to an end.
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
"""Seconds between two words of how far it is."""


@dataclass(frozen=True)
class Allowance:
    """What reading may cost.

    Attributes:
        zipped: bytes that a zip file may unpack to.
        members: files that it may hold.
        stream: bytes that a compressed file may unpack to.
        seconds: that reading may take.
    """

    zipped: float = 2e9
    members: int = 100_000
    stream: float = math.inf
    seconds: float = math.inf


COMMAND = Allowance()
UPLOADS = Allowance(zipped=1e9, members=10_000, stream=1e9, seconds=60)

Tell = Callable[[str], None]
"""Takes word of how far it is; what it raises ends the reading."""


@dataclass
class _Reading:
    allowance: Allowance
    tell: Tell | None = None
    begun: float = 0.0
    told: float = -math.inf


_current: ContextVar[_Reading] = ContextVar("reading", default=_Reading(COMMAND))  # noqa: B039


def allowance() -> Allowance:
    """What whoever reads now may spend."""
    return _current.get().allowance


@contextmanager
def allowed(given: Allowance, tell: Tell | None = None) -> Iterator[None]:
    """Bound what this block reads; without a `tell`, the one of the block around it is told."""
    reading = _Reading(given, tell or _current.get().tell, monotonic())
    token = _current.set(reading)
    try:
        yield
    finally:
        _current.reset(token)


def watched() -> bool:
    """Does reading end at some time, or tell how far it is?"""
    reading = _current.get()
    return reading.tell is not None or reading.allowance.seconds < math.inf


def step(where: str) -> None:
    """Call it between records, blocks or files; `where` is what is read, and how far.

    Raises InputError: time is up; and whatever `tell` raises.
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
    if reading.tell and now - reading.told >= EVERY:
        reading.told = now
        reading.tell(where)
