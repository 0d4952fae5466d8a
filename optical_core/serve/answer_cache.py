"""Answers that are kept for queries that come again."""

from __future__ import annotations

import time

from cachetools import LRUCache

from optical_core.serve.holdings import Holdings
from optical_core.serve.schema import SearchRequest

Key = tuple[str, object, str, int]
"""The request, the state of its passages, the searcher's identity, and for conditions the hour."""


class AnswerCache:
    """The answers last used, as JSON, up to a number of bytes.

    An answer is found by everything that decides it: the request, the passages as they are now, and
    the searcher's identity (weights, index, precision, mode). So nothing has to be taken out when a
    collection or index changes. A condition may name the present date: its answers are kept for an
    hour, as in `data.where`.

    Attributes:
        most_bytes: of the answers and requests that are kept; 0 keeps none.
    """

    def __init__(self, holdings: Holdings, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._holdings = holdings
        self._answers: LRUCache[Key, tuple[str, bytes]] = LRUCache(
            most_bytes, getsizeof=lambda kept: sum(map(len, kept))
        )

    def key(self, request: SearchRequest) -> Key:
        """What decides a request's answer, at this moment."""
        searcher = self._holdings.searcher(request.model, request.collection)
        stamp = self._holdings.collection(request.collection).corpus.stamp
        hour = int(time.time() // 3600) if request.where else 0
        return request.model_dump_json(), stamp, searcher.identity, hour

    def get(self, key: Key) -> bytes | None:
        """The answer, if it is kept."""
        kept = self._answers.get(key)
        return kept and kept[1]

    def keep(self, key: Key, answer: bytes) -> None:
        """Keep an answer, in place of those that were not used for longest."""
        if len(key[0]) + len(answer) <= self.most_bytes:
            self._answers[key] = key[0], answer
