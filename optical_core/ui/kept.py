"""Kept: a cache of values that are slow to make."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

LIMIT = 256
_NOTHING = object()


@dataclass(eq=False)
class _Slot:
    stamp: Hashable
    lock: threading.Lock = field(default_factory=threading.Lock)
    value: Any = _NOTHING


class Kept:
    """Values by kind and key. Each kind has a limit; the least recently used values go first.

    Safe for threads: one thread makes a key's value while others that ask for it wait. Nobody
    waits for another key. If making a value fails, the next thread to ask tries again.

    Args:
        limits: Kind -> how many of its values are kept; `LIMIT` for other kinds.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = dict(limits)
        self._slots: defaultdict[str, OrderedDict[Hashable, _Slot]] = defaultdict(OrderedDict)
        self._lock = threading.Lock()

    def get(self, kind: str, key: Hashable, make: Callable[[], T], *, stamp: Hashable = None) -> T:
        """Return the value of a key. Make it if it is missing or was made at another stamp.

        Args:
            stamp: Changes with what the value is made of. An older value is dropped at once.
        """
        with self._lock:
            slots = self._slots[kind]
            slot = slots.get(key)
            if slot is None or slot.stamp != stamp:
                slot = slots[key] = _Slot(stamp)
            slots.move_to_end(key)
            while len(slots) > self._limits.get(kind, LIMIT):
                slots.popitem(last=False)
        with slot.lock:
            if slot.value is _NOTHING:
                slot.value = make()
            value: T = slot.value
            return value

    def values(self, kind: str) -> list[Any]:
        """The values of a kind that are kept now."""
        with self._lock:
            slots = list(self._slots[kind].values())
        return [slot.value for slot in slots if slot.value is not _NOTHING]

    def clear(self) -> None:
        """Drop all values."""
        with self._lock:
            self._slots.clear()
