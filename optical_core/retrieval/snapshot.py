"""Snapshot: the segments of an index, as one manifest has them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np

from optical_core.data.trec import Hits, best_first
from optical_core.errors import InputError
from optical_core.retrieval.manifest import Entry, Manifest
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.vector_store import Segment, positions_of

_SELECTIONS = 16
"""Sets of ids whose positions are remembered."""


class Snapshot:
    """The segments of one manifest, opened.

    Attributes:
        manifest: the manifest.
        indexes: the token index of each segment.
        stores: the same, in a mode.
    """

    def __init__(
        self, manifest: Manifest, indexes: Sequence[TokenIndex], stores: Sequence[Segment]
    ) -> None:
        self.manifest, self.indexes, self.stores = manifest, indexes, stores
        for entry, index in zip(manifest.entries, indexes, strict=True):
            same = (index.encoder_hash, index.dimension)
            if same != (manifest.encoder_hash, manifest.dimension):
                raise InputError(f"the segment {index.folder} is of another encoder")
            if not index.windows.same_cut(manifest.windows):
                raise InputError(f"the segment {index.folder} has windows of another length")
            if entry.dead and entry.dead[-1] >= len(index):
                raise InputError(f"the segment {index.folder} has fewer passages than were deleted")
        # Not a decorator: a snapshot that is dropped takes its cache with it.
        self.positions = lru_cache(_SELECTIONS)(self._positions)

    @cached_property
    def alive(self) -> list[np.ndarray | None]:
        """Positions of each segment's living passages; None if all live."""
        pairs = zip(self.manifest.entries, self.indexes, strict=True)
        return [living(entry, len(index)) if entry.dead else None for entry, index in pairs]

    def _positions(self, among: frozenset[str]) -> list[np.ndarray]:
        """Positions of each segment's living passages that are among some ids."""
        return [
            chosen if alive is None else np.intersect1d(chosen, alive, assume_unique=True)
            for chosen, alive in zip(
                (positions_of(index.ids, among) for index in self.indexes), self.alive, strict=True
            )
        ]

    @cached_property
    def fingerprint(self) -> str:
        """Changes with the living passages."""
        prints = [index.fingerprint for index in self.indexes]
        if len(prints) == 1 and not self.manifest.entries[0].dead:
            return prints[0]
        content = repr((prints, [entry.dead for entry in self.manifest.entries]))
        return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()

    def rows(self) -> Iterator[tuple[str, TokenIndex, int]]:
        """Living rows, oldest segment first: a passage's id, the index and the position there.

        A passage has a row, or one for each of its windows, which follow one another.
        """
        for index, alive in zip(self.indexes, self.alive, strict=True):
            for position in range(len(index)) if alive is None else alive:
                yield index.ids[position], index, int(position)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Ids of the living passages, oldest segment first."""
        return tuple(dict.fromkeys(identifier for identifier, _, _ in self.rows()))

    @cached_property
    def places(self) -> dict[str, tuple[TokenIndex, int]]:
        """Id of a living passage -> its index, and the position of its last row there."""
        return {identifier: (index, position) for identifier, index, position in self.rows()}

    def ranked(
        self,
        queries: Sequence[np.ndarray],
        top: int,
        chosen: Sequence[np.ndarray | None],
    ) -> list[Hits]:
        """Rank rows, at the `chosen` positions of each segment (None: all)."""
        found = [
            store.search_at(queries, top, positions)
            for store, positions in zip(self.stores, chosen, strict=True)
        ]
        if len(found) == 1:
            return found[0]
        return [
            best_first((hit for hits in of_query for hit in hits), top)
            for of_query in zip(*found, strict=True)
        ] or [[] for _ in queries]

    @cached_property
    def firsts(self) -> list[np.ndarray]:
        """Is each row (P,) of a segment the first of its passage?"""
        return [
            np.array([True, *(a != b for a, b in pairwise(index.ids))][: len(index)], bool)
            for index in self.indexes
        ]


def living(entry: Entry, passages: int) -> np.ndarray:
    """Ascending positions of a segment's living passages."""
    alive = np.ones(passages, bool)
    alive[list(entry.dead)] = False
    return np.flatnonzero(alive)
