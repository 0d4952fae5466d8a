"""The server's metrics, in Prometheus' form."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Requests by route and status, their seconds, the queue, batch sizes, and kept answers."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        # A separate registry: two servers in one process must not be added up.
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "optical_requests", "Requests answered.", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "optical_request_seconds",
            "Seconds from a request's arrival to its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._depth = Gauge(
            "optical_queue_depth", "Queries that wait to be encoded.", registry=self._registry
        )
        self._sizes = Histogram(
            "optical_batch_size",
            "Queries encoded together.",
            ["model"],
            buckets=_SIZES,
            registry=self._registry,
        )

        self._kept = Counter(
            "optical_cache",
            "Searches whose answer was kept (hit), or not (miss).",
            ["result"],
            registry=self._registry,
        )

    def cached(self, hit: bool) -> None:
        self._kept.labels("hit" if hit else "miss").inc()

    def watch_queue(self, depth: Callable[[], int]) -> None:
        """Read the queue's depth whenever the metrics are requested."""
        self._depth.set_function(depth)

    def batch(self, model: str, size: int) -> None:
        self._sizes.labels(model).observe(size)

    def request(self, route: str, status: int, seconds: float) -> None:
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self._registry)
