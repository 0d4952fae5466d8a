"""Kept: what is slow to make is made once, and kept for all who ask for it."""

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
    """Values by kind and key, a limited number of each kind: the least recently used go first.

    Safe for threads: of those who ask for one key, one makes the value while the others wait, and
    nobody waits for another key. What fails to be made is tried again by the next who asks.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        """limits: kind -> how many values are kept; of one that isn't named, `LIMIT`."""
        self._limits = dict(limits)
        self._slots: defaultdict[str, OrderedDict[Hashable, _Slot]] = defaultdict(OrderedDict)
        self._lock = threading.Lock()

    def get(self, kind: str, key: Hashable, make: Callable[[], T], *, stamp: Hashable = None) -> T:
        """The value of a key, made where it isn't there or was made at another stamp.

        stamp: changes with what the value is made of. A value of an older stamp is let go at once.
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
        """What is kept of a kind."""
        with self._lock:
            slots = list(self._slots[kind].values())
        return [slot.value for slot in slots if slot.value is not _NOTHING]

    def clear(self) -> None:
        """Let everything go."""
        with self._lock:
            self._slots.clear()
