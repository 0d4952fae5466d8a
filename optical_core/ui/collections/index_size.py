"""The size of a collection's index on the collections page, and the smaller forms it can have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from optical_core.retrieval.compression import PLAIN_BITS, Compression
from optical_core.ui.library import Library

BITS = {PLAIN_BITS: "16 (fp16)", 8: "8", 4: "4", 2: "2"}
"""Bits of each dimension -> what the page calls them."""
POOLED = {1: "every token", 2: "2 tokens", 3: "3 tokens"}
"""Tokens that one vector stands for -> what the page calls them."""


@dataclass(frozen=True)
class IndexSize:
    """What the embedded encoder's index of a collection takes.

    Attributes:
        compression: the form of its vectors.
        bytes: of all its files.
        passages: in it.
        kept: share of the exact top ten that the form keeps, as measured; None if it wasn't.
    """

    compression: Compression
    bytes: int
    passages: int
    kept: float | None

    def line(self) -> str:
        """Say it in a line.

        >>> IndexSize(Compression(bits=2), 54_000, 100, 0.985).line()
        '2 bits a dimension: 0.1 MB, 540 bytes a passage. 98.5% of the exact top ten are kept.'
        """
        bits, pool = self.compression.bits, self.compression.pool
        form = "fp16" if bits == PLAIN_BITS else f"{bits} bits a dimension"
        form += f", one vector for {pool} tokens" if pool > 1 else ""
        each = self.bytes / max(self.passages, 1)
        kept = "" if self.kept is None else f" {self.kept:.1%} of the exact top ten are kept."
        return f"{form}: {self.bytes / 1e6:,.1f} MB, {each:,.0f} bytes a passage.{kept}"


def index_size(library: Library, name: str) -> IndexSize | None:
    """Measure the embedded encoder's index of a collection; None without one.

    The library keeps the size until an index of the collection is built, changed or removed.

    Raises:
        InputError: the index is damaged.
    """
    from optical_core.retrieval.indexing import collection_indexes
    from optical_core.retrieval.manifest import manifest_stamp

    folders = collection_indexes(library.collection(name))
    stamps = tuple((folder, manifest_stamp(folder)) for folder in folders)
    return library.keep("index size", lambda: _measured(folders), collection=name, key=stamps)


def _measured(folders: Sequence[Path]) -> IndexSize | None:
    from optical_core.models.backbones import EMBEDDED
    from optical_core.retrieval.live_index import LiveIndex
    from optical_core.retrieval.manifest import Manifest

    own = next((folder for folder in folders if Manifest.read(folder).encoder == EMBEDDED), None)
    if own is None:
        return None
    index = LiveIndex(own)
    size = sum(file.stat().st_size for file in own.rglob("*") if file.is_file())
    kept = None if index.compression.plain else index.kept
    return IndexSize(index.compression, size, len(index), kept)
