"""QdrantStore: passages in a collection of a Qdrant server, which may be a cluster.

Each point is a passage, with its tokens in a multivector that is compared by MaxSim of dot
products. Exact searches need no graph, so none is built. The collection's metadata record the
encoder and, once everything is written, that it is finished.
"""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np

from optical_core.data.trec import Hits
from optical_core.errors import InputError
from optical_core.retrieval.engine_store import MOST_IDS, EngineStore, StoredPassage, told

LARGEST = 1024 * 1024
"""Most numbers in one multivector: Qdrant's limit. Also the most in one request: as JSON that is
less than the 32 MB that a server accepts."""
_VECTOR = "tokens"
_PAGE = 10_000
"""Passages that are listed or removed in one request."""


class QdrantStore(EngineStore):
    """One collection of a Qdrant server; see `EngineStore`."""

    def __init__(self, uri: str, name: str) -> None:
        """Open a collection, which need not exist.

        Args:
            uri: a server's URL; its key is read from QDRANT_API_KEY. `:memory:` is a store that
                lives as long as this object. Folders are refused: the client would store them as
                pickles, which can run code.
            name: of the collection.

        Raises:
            InputError: `uri` is something else, or the extra `qdrant` is missing.
        """
        if find_spec("qdrant_client") is None:
            raise InputError(
                'the engine qdrant is an optional extra: pip install "optical-workbench[qdrant]"'
            )
        if uri != ":memory:" and not uri.startswith(("http://", "https://")):
            raise InputError(
                f"the engine qdrant needs a server's URL, as http://localhost:6333, not {uri!r}"
            )
        self.uri, self.name = uri, name
        super().__init__(f"qdrant at {uri}, collection {name}")

    def facts(self) -> Mapping[str, str] | None:
        with self._told():
            if not self._client.collection_exists(self.name):
                return None
            return dict(self._client.get_collection(self.name).config.metadata or {})

    def state(self) -> str | None:
        return (self.facts() or {}).get("finished") or None

    def begin(self, facts: Mapping[str, str], dimension: int) -> None:
        from qdrant_client import models

        metadata = {**facts, "finished": ""}
        with self._told():
            if self._client.collection_exists(self.name):
                self._client.update_collection(self.name, metadata=metadata)
                return
            tokens = models.VectorParams(
                size=dimension,
                distance=models.Distance.DOT,
                on_disk=True,
                hnsw_config=models.HnswConfigDiff(m=0),
                multivector_config=models.MultiVectorConfig(
                    comparator=models.MultiVectorComparator.MAX_SIM
                ),
            )
            self._client.create_collection(
                self.name, vectors_config={_VECTOR: tokens}, metadata=metadata
            )
        if not self.facts():
            raise InputError(
                f"{self.where} can't be used: the server keeps no metadata, Qdrant 1.16 does"
            )

    def text_hashes(self) -> dict[str, str]:
        hashes: dict[str, str] = {}
        offset = None
        with self._told():
            while True:
                points, offset = self._client.scroll(
                    self.name, limit=_PAGE, offset=offset, with_payload=True, with_vectors=False
                )
                hashes |= {point.payload["id"]: point.payload["text_hash"] for point in points}
                if offset is None:
                    return hashes

    def put(self, passages: Sequence[StoredPassage]) -> None:
        from qdrant_client import models

        for group in _requests(passages):
            points = [
                models.PointStruct(
                    id=_point(passage.id),
                    # Qdrant refuses an empty multivector: such a point has none.
                    vector={_VECTOR: passage.vectors.tolist()} if len(passage.vectors) else {},
                    payload={"id": passage.id, "text_hash": passage.text_hash},
                )
                for passage in group
            ]
            with self._told():
                self._client.upsert(self.name, points=points, wait=True)

    def remove(self, identifiers: Sequence[str]) -> None:
        from qdrant_client import models

        with self._told():
            for begin in range(0, len(identifiers), _PAGE):
                group = identifiers[begin : begin + _PAGE]
                points = models.PointIdsList(points=[_point(name) for name in group])
                self._client.delete(self.name, points_selector=points, wait=True)

    def finish(self) -> None:
        if self.state() is None:
            with self._told():
                self._client.update_collection(
                    self.name, metadata={"finished": secrets.token_hex(8)}
                )

    def nearest(self, query: np.ndarray, count: int) -> Hits:
        return self._nearest(query, count)

    def nearest_among(self, query: np.ndarray, count: int, among: frozenset[str]) -> Hits:
        from qdrant_client import models

        if len(among) > MOST_IDS:
            return super().nearest_among(query, count, among)
        named = models.HasIdCondition(has_id=[_point(name) for name in sorted(among)])
        return self._nearest(query, count, models.Filter(must=[named]))

    def _nearest(self, query: np.ndarray, count: int, chosen: Any = None) -> Hits:
        from qdrant_client import models

        with self._told():
            answer = self._client.query_points(
                self.name,
                query=query.tolist(),
                using=_VECTOR,
                limit=count,
                query_filter=chosen,
                search_params=models.SearchParams(exact=True),
                with_payload=["id"],
            )
        return [(point.payload["id"], point.score) for point in answer.points]

    def passage_vectors(self, identifier: str) -> np.ndarray:
        with self._told():
            (point,) = self._client.retrieve(
                self.name, ids=[_point(identifier)], with_payload=False, with_vectors=True
            )
        return np.asarray(point.vector[_VECTOR], np.float32)

    @cached_property
    def _client(self) -> Any:
        return connect(self.uri)

    @contextmanager
    def _told(self) -> Iterator[None]:
        from qdrant_client.http.exceptions import ApiException

        with told(self.where, ApiException, OSError, RuntimeError, ValueError):
            yield


def connect(uri: str) -> Any:
    """A client of the server at a URL, or of a store in memory (`:memory:`)."""
    from qdrant_client import QdrantClient

    if uri == ":memory:":
        return QdrantClient(uri)
    # `begin` checks what we need of a server; the client's own check only warns.
    key = os.environ.get("QDRANT_API_KEY")
    return QdrantClient(url=uri, api_key=key, timeout=120, check_compatibility=False)


def _point(identifier: str) -> str:
    """The id of a passage's point, always the same for the same passage."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, identifier))


def _requests(passages: Sequence[StoredPassage]) -> Iterator[list[StoredPassage]]:
    """Group passages by what fits into one request."""
    group: list[StoredPassage] = []
    size = 0
    for passage in passages:
        if passage.vectors.size > LARGEST:
            raise InputError(
                f"the passage {passage.id!r} has {len(passage.vectors)} token vectors, Qdrant "
                f"takes {LARGEST // passage.vectors.shape[1]}: split it"
            )
        if group and size + passage.vectors.size > LARGEST:
            yield group
            group, size = [], 0
        group.append(passage)
        size += passage.vectors.size
    if group:
        yield group
