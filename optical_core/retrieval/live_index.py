"""LiveIndex: an index that is updated while it is searched.

Every search looks whether the manifest has been replaced (one `stat`), and then opens the segments
that are new. It reads no lock: writers never make it wait, and a search in progress ends on the
segments that it began with.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from optical_core.data.trec import Hits
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.compression import Compression
from optical_core.retrieval.formats import check_made_by
from optical_core.retrieval.manifest import Manifest, manifest_stamp, segment_folder
from optical_core.retrieval.modes import check_mode, open_mode
from optical_core.retrieval.snapshot import Snapshot
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.vector_store import Segment, VectorStore
from optical_core.retrieval.whole_passages import rank_whole
from optical_core.retrieval.windows import Windows

SMALL_TOKENS = 16_384
"""Segments with fewer tokens are searched exactly in every mode: that takes milliseconds."""
MEDIUM_TOKENS = 262_144
"""Segments with fewer tokens are searched in 8 bits at most: more files would not pay."""
_ATTEMPTS = 20
"""Times that a manifest is read anew if it is replaced while its segments are opened."""


class LiveIndex(VectorStore):
    """The index in a folder, as it is at each search; made by `open`.

    Attributes:
        folder: where it is.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from optical_core import load_pair
        >>> from optical_core.data import Passage
        >>> from optical_core.retrieval.indexing import build_index
        >>> from optical_core.retrieval.updating import delete_from_index, update_index
        >>> encoder, sea = load_pair("embedded").teacher, Passage("p1", "", "The sea is salty.")
        >>> with TemporaryDirectory() as folder:
        ...     _ = build_index(Path(folder, "index"), [sea], encoder)
        ...     index = LiveIndex(Path(folder, "index"))
        ...     _ = update_index(index.folder, [Passage("p2", "", "The moon.")], encoder)
        ...     _ = delete_from_index(index.folder, ["p1"])
        ...     index.ids
        ('p2',)
    """

    def __init__(self, folder: Path | str, mode: str = "exact") -> None:
        """Open an index in a mode, see `modes`.

        Raises:
            InputError: the index is missing, damaged or in another format, or there is no such
                mode.
        """
        check_mode(mode)
        self.folder = Path(folder)
        self._mode = mode
        self._reading = threading.Lock()
        self._stamp: tuple[int, ...] | None = None
        self._opened: Snapshot | None = None
        self.snapshot()

    def snapshot(self) -> Snapshot:
        """The segments as they are now.

        Raises:
            InputError: the index was removed, or damaged.
        """
        if self._opened is not None and manifest_stamp(self.folder) == self._stamp:
            return self._opened
        with self._reading:
            for _ in range(_ATTEMPTS):
                stamp = manifest_stamp(self.folder)
                if self._opened is not None and stamp == self._stamp:
                    break
                try:
                    opened = self._read(Manifest.read(self.folder))
                except (InputError, OSError):
                    if manifest_stamp(self.folder) == stamp:
                        raise
                    continue  # it was replaced meanwhile, and the old segments were removed
                self._opened, self._stamp = opened, stamp
                break
            assert self._opened is not None
            return self._opened

    def _read(self, manifest: Manifest) -> Snapshot:
        known = {}
        if self._opened is not None:
            of_before = zip(
                self._opened.manifest.entries,
                self._opened.indexes,
                self._opened.stores,
                strict=True,
            )
            known = {e.name: (index, store) for e, index, store in of_before if e.name}
        pairs = [
            known.get(entry.name) or self._segment(segment_folder(self.folder, entry.name))
            for entry in manifest.entries
        ]
        return Snapshot(manifest, [index for index, _ in pairs], [store for _, store in pairs])

    def _segment(self, folder: Path) -> tuple[TokenIndex, Segment]:
        index = TokenIndex.open(folder)
        mode = self._mode
        if folder != self.folder and mode != "exact" and len(index.vectors) < MEDIUM_TOKENS:
            mode = "int8" if len(index.vectors) >= SMALL_TOKENS else "exact"
        return index, open_mode(index, mode)

    @property
    def stamp(self) -> tuple[int, ...] | None:
        """The state of the manifest that is open."""
        return self._stamp

    @property
    def mode(self) -> str:  # type: ignore[override]
        """How the largest segment is searched: a mode whose recall is too low gives way."""
        stores = self.snapshot().stores
        return max(stores, key=lambda store: len(store.identifiers)).mode if stores else self._mode

    @property
    def compression(self) -> Compression:
        """The form of the vectors."""
        return self.snapshot().manifest.compression

    @property
    def kept(self) -> float | None:
        """The share of the exact top ten that its largest segment keeps; None if not measured."""
        return max(self.snapshot().indexes, key=len).kept

    @property
    def windows(self) -> Windows:  # type: ignore[override]
        """How passages are cut."""
        return self.snapshot().manifest.windows

    @property
    def precision(self) -> str:  # type: ignore[override]
        """In which the passages were encoded; both, with a comma, if segments differ."""
        known = {index.precision for index in self.snapshot().indexes}
        return ", ".join(sorted(known - {""}))

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the passages."""
        return self.snapshot().ids

    def __len__(self) -> int:
        return self.rows if self.windows.plain else len(self.ids)

    @property
    def rows(self) -> int:
        """Number of windows; of passages, if they are indexed whole."""
        opened = self.snapshot()
        pairs = zip(opened.manifest.entries, opened.indexes, strict=True)
        return sum(len(index) - len(entry.dead) for entry, index in pairs)

    @property
    def tokens(self) -> int:
        """Number of token vectors on the disk, those of dead passages included."""
        return sum(len(index.vectors) for index in self.snapshot().indexes)

    @property
    def fingerprint(self) -> str:
        by = "" if self.windows.plain else f" {self.windows.aggregate}"
        return f"{self.snapshot().fingerprint}{by}"

    def check_encoder(self, encoder: TokenEncoder) -> None:
        manifest = self.snapshot().manifest
        check_made_by(encoder, manifest.encoder, manifest.encoder_hash, self.folder)

    def passage_vectors(self, identifier: str) -> np.ndarray:
        index, position = self._place(identifier)
        return index.vectors_at(position)

    def passage_tokens(self, identifier: str) -> np.ndarray | None:
        index, position = self._place(identifier)
        return index.tokens_at(position)

    def window_vectors(self, identifier: str) -> list[tuple[np.ndarray, np.ndarray | None]]:
        index, last = self._place(identifier)
        first = last
        while first and index.ids[first - 1] == identifier:
            first -= 1
        return [(index.vectors_at(p), index.tokens_at(p)) for p in range(first, last + 1)]

    def _place(self, identifier: str) -> tuple[TokenIndex, int]:
        places = self.snapshot().places
        if identifier not in places:  # as when it is deleted after a search has found it
            raise InputError(f"the index in {self.folder} has no passage {identifier!r}")
        return places[identifier]

    def present(self, ids: Collection[str]) -> set[str]:
        """Those of some ids whose passages the index has."""
        opened = self.snapshot()
        pairs = zip(opened.indexes, opened.positions(frozenset(ids)), strict=True)
        return {index.ids[position] for index, positions in pairs for position in positions}

    def text_hashes(self, ids: Collection[str] | None = None) -> dict[str, str] | None:
        """Passage id -> `Passage.text_hash`; None if a segment is older than these hashes.

        Args:
            ids: of the passages asked for; None for all.
        """
        opened = self.snapshot()
        chosen = opened.alive if ids is None else opened.positions(frozenset(ids))
        found: dict[str, str] = {}
        for index, positions in zip(opened.indexes, chosen, strict=True):
            hashes = index.text_hashes
            if hashes is None:
                return None
            places = range(len(index)) if positions is None else positions
            found |= {index.ids[place]: hashes[place] for place in places}
        return found

    def search(
        self, query: np.ndarray, *, top: int = 10, among: frozenset[str] | None = None
    ) -> Hits:
        return self.search_many([query], top=top, among=among)[0]

    def search_many(
        self,
        queries: Sequence[np.ndarray],
        *,
        top: int = 10,
        among: frozenset[str] | None = None,
    ) -> list[Hits]:
        opened = self.snapshot()
        chosen = opened.alive if among is None else opened.positions(among)
        if self.windows.plain:
            return opened.ranked(queries, top, chosen)
        return rank_whole(opened, queries, top, chosen)
