"""Queries that wait are answered together: one worker thread, one batch per model at a time.

No timer: a query that finds the worker idle starts at once, and whatever comes in while it works
makes the next batch. One thread, because fast tokenizers can't be shared by threads and PyTorch
spreads a batch over the cores by itself.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from optical_core.serve.schema import SearchAnswer, SearchRequest

logger = logging.getLogger(__name__)

Answer = Callable[[Sequence[SearchRequest]], list[SearchAnswer]]


class BusyError(Exception):
    """No more searches are taken on: there are enough, or the server is stopping."""


@dataclass(frozen=True, eq=False)
class _Job:
    request: SearchRequest
    future: Future[SearchAnswer] = field(default_factory=Future)


class Batcher:
    """Hands requests of one model to `answer` together, in the order of the oldest one.

    Attributes:
        most_taken: searches taken on at once, waiting ones included.
        most_together: requests in a batch.
        watch: told each batch's model and size.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        most_taken: int,
        most_together: int,
        watch: Callable[[str, int], None] = lambda model, size: None,
    ) -> None:
        self._answer, self._watch = answer, watch
        self._most_taken, self._most_together = most_taken, most_together
        self._waiting: deque[_Job] = deque()
        self._running = 0
        self._closed = False
        self._changed = threading.Condition()
        self._worker = threading.Thread(target=self._work, name="optical-batches", daemon=True)
        self._worker.start()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def submit(self, request: SearchRequest) -> Future[SearchAnswer]:
        """The answer to come. Raises BusyError where no more is taken on."""
        job = _Job(request)
        with self._changed:
            if self._closed or len(self._waiting) + self._running >= self._most_taken:
                raise BusyError
            self._waiting.append(job)
            self._changed.notify()
        return job.future

    def close(self) -> None:
        """Take on nothing more, answer what waits, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._worker.join()

    def _work(self) -> None:
        while batch := self._take():
            self._watch(batch[0].request.model, len(batch))
            self._run([job for job in batch if job.future.set_running_or_notify_cancel()])
            with self._changed:
                self._running = 0

    def _take(self) -> list[_Job]:
        """The oldest request and those that can go with it; none when closed and done."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            model = self._waiting[0].request.model if self._waiting else None
            batch = [job for job in self._waiting if job.request.model == model]
            batch = batch[: self._most_together]
            taken = set(batch)
            self._waiting = deque(job for job in self._waiting if job not in taken)
            self._running = len(batch)
            return batch

    def _run(self, batch: list[_Job]) -> None:
        if not batch:
            return
        try:
            answers = self._answer([job.request for job in batch])
        except Exception as error:
            if len(batch) == 1:
                batch[0].future.set_exception(error)
                return
            # One request that can't be answered must not take the others with it.
            logger.warning("a batch of %d failed (%s): each is tried alone", len(batch), error)
            for job in batch:
                self._run([job])
            return
        for job, found in zip(batch, answers, strict=True):
            job.future.set_result(found)
