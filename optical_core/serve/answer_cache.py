"""Answers that are kept for queries that come again."""

from __future__ import annotations

from cachetools import LRUCache

from optical_core.serve.holdings import Holdings
from optical_core.serve.schema import SearchRequest


class AnswerCache:
    """The answers last used, as JSON, up to a number of bytes.

    An answer is found by everything that decides it: the request, the passages as they are now, and
    the searcher's identity (weights, index, precision, mode). So nothing has to be taken out when a
    collection or index changes.

    Attributes:
        most_bytes: of the answers and requests that are kept; 0 keeps none.
    """

    def __init__(self, holdings: Holdings, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._holdings = holdings
        self._answers: LRUCache[tuple[object, ...], bytes] = LRUCache(most_bytes, getsizeof=len)

    def key(self, request: SearchRequest) -> tuple[object, ...]:
        """What decides a request's answer, at this moment."""
        searcher = self._holdings.searcher(request.model, request.collection)
        stamp = self._holdings.collection(request.collection).corpus.stamp
        return request.model_dump_json(), stamp, searcher.identity

    def get(self, key: tuple[object, ...]) -> bytes | None:
        """The answer, if it is kept."""
        return self._answers.get(key)

    def keep(self, key: tuple[object, ...], answer: bytes) -> None:
        """Keep an answer, in place of those that were not used for longest."""
        if len(answer) <= self.most_bytes:
            self._answers[key] = answer
