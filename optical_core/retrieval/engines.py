"""Engines: what keeps a collection's token vectors and ranks them, behind one protocol.

local       our TokenIndex: files on this machine, memory-mapped
lancedb     LanceDB inside this process, on a folder or object storage (s3://, gs://, az://)
qdrant      a Qdrant server, by its URL

All rank by exact MaxSim over every passage, with the same scores. The engines other than `local`
leave out passages without tokens, which `local` ranks with the score 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from optical_core.data.collection import Collection
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.lancedb_store import LanceDBStore
from optical_core.retrieval.qdrant_store import QdrantStore
from optical_core.retrieval.recall import Ranker
from optical_core.retrieval.stored_index import PassageStore, StoredIndex, fill, store_name
from optical_core.retrieval.token_index import TokenIndex, collection_index


class Engine(Ranker, Protocol):
    """What a search needs of an index, wherever its vectors are kept."""

    @property
    def fingerprint(self) -> str:
        """Changes with the vectors that are ranked."""
        ...

    def check_encoder(self, encoder: TokenEncoder) -> None:
        """Raise InputError if another encoder made the vectors."""
        ...

    def passage_vectors(self, identifier: str) -> np.ndarray:
        """Vectors (tokens, d) of one passage, fp32, as they are scored."""
        ...


LOCAL = "local"
_STORES: dict[str, Callable[[str, str], PassageStore]] = {
    "lancedb": LanceDBStore,
    "qdrant": QdrantStore,
}
ENGINES = (LOCAL, *_STORES)


def open_engine(
    engine: str,
    uri: str | None,
    collection: Collection,
    encoder: TokenEncoder,
    *,
    progress: bool = False,
) -> Engine:
    """What an engine keeps of a collection, as this encoder's index.

    uri: where the engine keeps it. `local` has a place of its own, and indexes there what it
    hasn't yet; elsewhere, what is missing or unfinished is refused.
    """
    if engine == LOCAL:
        if uri is None:
            return collection_index(collection, encoder, progress=progress)
        return TokenIndex.open(uri)
    return StoredIndex.open(_store(engine, uri, collection, encoder))


def fill_engine(
    engine: str,
    uri: str | None,
    collection: Collection,
    encoder: TokenEncoder,
    *,
    batch_size: int = 32,
    progress: bool = False,
) -> int:
    """Make an engine other than `local` hold exactly a collection's passages.

    Returns how many were written. Killed at any moment, the same call writes those that are
    missing; what is half written is never searched.
    """
    store = _store(engine, uri, collection, encoder)
    return fill(store, collection, encoder, batch_size=batch_size, progress=progress)


def _store(
    engine: str, uri: str | None, collection: Collection, encoder: TokenEncoder
) -> PassageStore:
    if engine not in _STORES:
        raise InputError(f"there is no engine {engine!r}; choose one of {', '.join(ENGINES)}")
    if not uri:
        raise InputError(f"the engine {engine} needs --uri: where it keeps the collection")
    return _STORES[engine](uri, store_name(collection, encoder))
