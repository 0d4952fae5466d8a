"""Queries that wait are answered together: one worker thread, one batch per model at a time.

No timer: a query that finds the worker idle starts at once, and whatever comes in while it works
makes the next batch. One thread, because fast tokenizers can't be shared by threads and PyTorch
spreads a batch over the cores by itself.

A batch is bounded by its work, so that the next one begins soon. The shortest query that waits and
the oldest one lead batches in turn: short queries pass long ones, and none is passed for ever.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from optical_core.serve.schema import SearchAnswer, SearchRequest

logger = logging.getLogger(__name__)

Answer = Callable[[Sequence[SearchRequest]], list[SearchAnswer]]


class BusyError(Exception):
    """No more searches are taken on: there are enough, or the server is stopping."""


EXPLAINED = 16
"""Characters of a query that take as long to encode as a passage's token matches to be found."""


@dataclass(frozen=True, eq=False)
class _Job:
    request: SearchRequest
    size: int
    """Of its work, in characters: of a query, they are more than its tokens."""
    future: Future[SearchAnswer] = field(default_factory=Future)


class Batcher:
    """Hands requests of one model to `answer` together; what is cancelled is left out.

    Attributes:
        most_taken: searches taken on at once, waiting ones included.
        most_together: requests in a batch.
        most_characters: of a batch's queries, each counted as the longest; one alone may have more.
        watch: told each batch's model and size.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        most_taken: int,
        most_together: int,
        most_characters: int,
        watch: Callable[[str, int], None] = lambda model, size: None,
    ) -> None:
        self._answer, self._watch = answer, watch
        self._most_taken, self._most_together = most_taken, most_together
        self._most_characters = most_characters
        self._waiting: list[_Job] = []
        self._running = 0
        self._oldest_leads = False
        self._closed = False
        self._changed = threading.Condition()
        self._worker = threading.Thread(target=self._work, name="optical-batches", daemon=True)
        self._worker.start()

    @property
    def waiting(self) -> int:
        return sum(not job.future.cancelled() for job in self._waiting)

    def submit(self, request: SearchRequest) -> Future[SearchAnswer]:
        """The answer to come.

        Raises:
            BusyError: if no more is taken on.
        """
        job = _Job(request, len(request.query) + EXPLAINED * request.top * request.explain)
        with self._changed:
            if self._closed or self.waiting + self._running >= self._most_taken:
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
            taken = [job for job in batch if job.future.set_running_or_notify_cancel()]
            if taken:
                self._watch(taken[0].request.model, len(taken))
                self._run(taken)
            with self._changed:
                self._running = 0

    def _take(self) -> list[_Job]:
        """The next batch; none when closed and done."""
        with self._changed:
            while True:
                self._waiting = [job for job in self._waiting if not job.future.cancelled()]
                if self._waiting or self._closed:
                    break
                self._changed.wait()
            batch = self._chosen()
            self._waiting = [job for job in self._waiting if job not in batch]
            self._running = len(batch)
            return batch

    def _chosen(self) -> list[_Job]:
        """The one whose turn it is to lead, and those of its model that go with it."""
        order = self._waiting if self._oldest_leads else sorted(self._waiting, key=_size)
        self._oldest_leads = not self._oldest_leads
        batch: list[_Job] = []
        longest = 0
        for job in order:
            padded = max(longest, job.size) * (len(batch) + 1)
            alike = not batch or job.request.model == batch[0].request.model
            if alike and (not batch or padded <= self._most_characters):
                batch.append(job)
                longest = max(longest, job.size)
            if len(batch) == self._most_together:
                break
        return batch

    def _run(self, batch: list[_Job]) -> None:
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
        for job, answer in zip(batch, answers, strict=True):
            job.future.set_result(answer)


def _size(job: _Job) -> int:
    return job.size
