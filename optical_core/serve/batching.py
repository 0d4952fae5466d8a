"""Batching: waiting queries of one model are answered together, by one worker thread.

There is no timer: an idle worker starts a query at once, and queries that arrive while it works
form the next batch. There is one thread, because threads can't share fast tokenizers, and PyTorch
uses all cores for a batch anyway.

The work in a batch is bounded, so the next one begins soon. Batches begin in turn with the shortest
and with the oldest waiting query: short queries overtake long ones, but none waits for ever.
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
    """The server accepts no more searches: it has enough, or is stopping."""


EXPLAINED = 16
"""Characters of a query that take as long to encode as computing a passage's token matches."""


@dataclass(frozen=True, eq=False)
class _Job:
    request: SearchRequest
    size: int
    """Its work, in characters of a query (a query has more characters than tokens)."""
    future: Future[SearchAnswer] = field(default_factory=Future)


class Batcher:
    """Passes requests to one model on to `answer` in batches; cancelled ones are left out."""

    def __init__(
        self,
        answer: Answer,
        *,
        most_taken: int,
        most_together: int,
        most_characters: int,
        watch: Callable[[str, int], None] = lambda model, size: None,
    ) -> None:
        """Start the worker thread.

        Args:
            answer: answers the requests of a batch, in their order.
            most_taken: most searches at once, waiting ones included.
            most_together: most requests in a batch.
            most_characters: most characters in a batch, each query counted as the longest one; a
                single query may have more.
            watch: called with each batch's model and size.
        """
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
        """Queue a request.

        Returns:
            The future answer.

        Raises:
            BusyError: no more searches are accepted.
        """
        return self.submit_all([request])[0]

    def submit_all(self, requests: Sequence[SearchRequest]) -> list[Future[SearchAnswer]]:
        """Queue requests to one model together: all, or none if there is no room for all.

        Raises:
            BusyError: no more searches are accepted.
        """
        jobs = [_Job(r, len(r.query) + EXPLAINED * r.top * r.explain) for r in requests]
        with self._changed:
            taken = self.waiting + self._running + len(jobs)
            if jobs and (self._closed or taken > self._most_taken):
                raise BusyError
            self._waiting += jobs
            self._changed.notify()
        return [job.future for job in jobs]

    def close(self) -> None:
        """Accept nothing more, answer the waiting requests, and end the thread."""
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
        """The next batch; empty when the batcher is closed and done."""
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
        """The job whose turn it is, and others of its model that fit into its batch."""
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
            # One request that fails must not make the others fail.
            logger.warning("a batch of %d failed (%s): each is tried alone", len(batch), error)
            for job in batch:
                self._run([job])
            return
        for job, answer in zip(batch, answers, strict=True):
            job.future.set_result(answer)


def _size(job: _Job) -> int:
    return job.size
