"""Limits of a server: sizes, numbers at once, and rates."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, fields

from optical_core.errors import InputError

MOST_CLIENTS = 10_000
"""Clients whose rate is remembered; the one that has been silent for longest is forgotten first."""


@dataclass(frozen=True)
class Limits:
    """Limits of a server.

    Attributes:
        query: characters of a query.
        body: bytes of a request's body.
        top: passages in an answer.
        queries: queries in one request.
        searches: searches at once, waiting ones included.
        batch: queries encoded together.
        characters: characters of the queries encoded together, each counted as the longest one.
        connections: connections open at once.
        rate: searches per second from one client; 0 for any number.
        cache: bytes of answers that are kept for queries that come again; 0 for none.

    Raises:
        InputError: a limit lets nothing through.

    Examples:
        >>> Limits(top=100).batch
        32
    """

    query: int = 1000
    body: int = 65_536
    top: int = 1000
    queries: int = 32
    searches: int = 256
    batch: int = 32
    characters: int = 2048
    connections: int = 512
    rate: float = 0.0
    cache: int = 32 << 20

    def __post_init__(self) -> None:
        for item in fields(self):
            value, least = getattr(self, item.name), 0 if item.name in ("rate", "cache") else 1
            if not least <= value < math.inf:  # NaN isn't either
                raise InputError(f"the limit {item.name} must be at least {least}, got {value}")

    @property
    def most_queries(self) -> int:
        """Queries that are taken in one request: it must fit into the searches at once."""
        return min(self.queries, self.searches)


class RateLimit:
    """A token bucket for each client: `rate` searches per second, twice as many in a burst."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, max(1.0, 2 * rate), clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def seconds_to_wait(self, client: str) -> float:
        """Seconds until the client may search; 0 if it may now, and then the search is counted."""
        if not self._rate:
            return 0.0
        now = self._clock()
        left, before = self._buckets.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - before) * self._rate)
        allowed = left >= 1
        self._keep(client, left - allowed, now)
        return 0.0 if allowed else (1 - left) / self._rate

    def charge(self, client: str, searches: int) -> None:
        """Count further searches of an accepted request: the client's next one waits for them."""
        if self._rate and searches:
            left, before = self._buckets.pop(client, (self._burst, self._clock()))
            self._keep(client, left - searches, before)

    def _keep(self, client: str, left: float, now: float) -> None:
        self._buckets[client] = (left, now)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
