"""Vector stores by the engine that keeps them.

local       our TokenIndex: files on this machine, memory-mapped
lancedb     LanceDB inside this process, on a folder or object storage (s3://, gs://, az://)
qdrant      a Qdrant server, by its URL

All rank by exact MaxSim over every passage, with the same scores. The engines other than `local`
leave out passages without tokens, which `local` ranks with the score 0.
"""

from __future__ import annotations

from collections.abc import Callable

from optical_core.data.collection import Collection
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.engine_store import EngineStore, fill, store_name
from optical_core.retrieval.indexing import collection_index
from optical_core.retrieval.lancedb_store import LanceDBStore
from optical_core.retrieval.modes import check_mode, open_mode
from optical_core.retrieval.qdrant_store import QdrantStore
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.vector_store import VectorStore

LOCAL = "local"
STORES: dict[str, Callable[[str, str], EngineStore]] = {
    "lancedb": LanceDBStore,
    "qdrant": QdrantStore,
}
"""Engine -> its store, made of a uri and a name."""


def open_store(
    engine: str,
    uri: str | None,
    collection: Collection,
    encoder: TokenEncoder,
    *,
    mode: str = "exact",
    progress: bool = False,
) -> VectorStore:
    """What an engine keeps of a collection, as this encoder's vectors.

    Args:
        uri: where the engine keeps it. `local` has a place of its own, and indexes there what it
            hasn't yet; elsewhere, what is missing, unfinished or of another encoder is refused.
        mode: see `modes`; engines other than `local` have the mode exact alone.
    """
    check_mode(mode)
    if engine == LOCAL:
        index = (
            collection_index(collection, encoder, progress=progress)
            if uri is None
            else TokenIndex.open(uri)
        )
        index.check_encoder(encoder)
        return open_mode(index, mode)
    store = _store(engine, uri, collection, encoder)
    if mode != "exact":
        raise InputError(f"the mode {mode!r} is the engine local's; the others search exactly")
    store.check_encoder(encoder)
    return store


def fill_store(
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
) -> EngineStore:
    if engine not in STORES:
        known = ", ".join((LOCAL, *STORES))
        raise InputError(f"there is no engine {engine!r}; choose one of {known}")
    if not uri:
        raise InputError(f"the engine {engine} needs --uri: where it keeps the collection")
    return STORES[engine](uri, store_name(collection, encoder))
