"""Vector stores by their engines.

local       our LiveIndex: files on this machine, memory-mapped
lancedb     LanceDB inside this process, on a folder or object storage (s3://, gs://, az://)
qdrant      a Qdrant server, by its URL

All rank every passage by exact MaxSim, with the same scores. `local` ranks passages without tokens
with the score 0; the other engines leave them out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from optical_core.data.collection import Collection
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.engine_store import EngineStore, fill, store_name
from optical_core.retrieval.indexing import collection_index
from optical_core.retrieval.lancedb_store import LanceDBStore
from optical_core.retrieval.live_index import LiveIndex
from optical_core.retrieval.modes import check_mode
from optical_core.retrieval.qdrant_store import QdrantStore
from optical_core.retrieval.vector_store import VectorStore

LOCAL = "local"
STORES: dict[str, Callable[[str, str], EngineStore]] = {
    "lancedb": LanceDBStore,
    "qdrant": QdrantStore,
}
"""Engine -> its store, which takes a uri and a name."""


def open_store(
    engine: str,
    uri: str | None,
    collection: Collection,
    encoder: TokenEncoder,
    *,
    mode: str = "exact",
    progress: bool = False,
) -> VectorStore:
    """Open a collection's vectors of an encoder, in an engine.

    Args:
        engine: `local` or a key of `STORES`.
        uri: where the engine keeps the vectors. Without one, `local` uses a folder under indexes/,
            and indexes the collection there if need be.
        collection: the collection.
        encoder: the teacher, which made the vectors.
        mode: see `modes`; engines other than `local` have only the mode exact.
        progress: show a progress bar while indexing?

    Raises:
        InputError: the engine or mode is unknown; or the vectors at `uri` are missing, unfinished
            or another encoder's.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from optical_core import load_pair
        >>> from optical_core.data import Passage, open_collection
        >>> from optical_core.retrieval.indexing import build_index
        >>> passage, encoder = Passage("p1", "", "The sea is salty."), load_pair("embedded").teacher
        >>> with TemporaryDirectory() as folder:
        ...     index = build_index(Path(folder, "index"), [passage], encoder)
        ...     store = open_store("local", str(index.folder), open_collection("demo"), encoder)
        ...     store.passage_vectors("p1").shape == (5, encoder.dimension)
        True
    """
    check_mode(mode)
    if engine == LOCAL:
        folder: Path | str | None = uri
        if folder is None:
            folder = collection_index(collection, encoder, progress=progress).folder
        index = LiveIndex(folder, mode)
        index.check_encoder(encoder)
        return index
    store = _store(engine, uri, collection, encoder)
    if mode != "exact":
        raise InputError(
            f"the mode {mode!r} belongs to the engine local; the others search exactly"
        )
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
    """Make an engine other than `local` contain exactly a collection's passages.

    If the process is killed, the same call writes the missing passages. Half-written content is
    never searched.

    Args:
        engine: a key of `STORES`.
        uri: where the engine keeps the vectors.
        collection: the collection.
        encoder: the teacher.
        batch_size: passages encoded together.
        progress: show a progress bar?

    Returns:
        The number of passages that were written.

    Raises:
        InputError: the engine is unknown or fails, or `uri` is missing.
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
