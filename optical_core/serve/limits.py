"""What a server takes on: sizes, how many at once, how many from one client."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, fields

from optical_core.errors import InputError

MOST_CLIENTS = 10_000
"""Clients whose rate is remembered; the one longest unheard of is forgotten first."""


@dataclass(frozen=True)
class Limits:
    """Bounds of a server.

    Attributes:
        query: characters.
        body: bytes.
        top: passages.
        searches: at once, waiting ones included.
        batch: queries encoded together.
        characters: of the queries encoded together, each counted as the longest.
        connections: open at once.
        rate: searches a second of one client, 0 for any number.

    Raises:
        InputError: one that lets nothing through.
    """

    query: int = 1000
    body: int = 65_536
    top: int = 1000
    searches: int = 256
    batch: int = 32
    characters: int = 2048
    connections: int = 512
    rate: float = 0.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value, least = getattr(self, item.name), 0 if item.name == "rate" else 1
            if value < least:
                raise InputError(f"the limit {item.name} must be at least {least}, got {value}")


class RateLimit:
    """A token bucket for each client: `rate` searches a second, two seconds' worth in a burst."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, max(1.0, 2 * rate), clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def seconds_to_wait(self, client: str) -> float:
        """0 if the client may search now, which is counted; else seconds until it may."""
        if not self._rate:
            return 0.0
        now = self._clock()
        left, before = self._buckets.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - before) * self._rate)
        allowed = left >= 1
        self._buckets[client] = (left - allowed, now)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._rate
