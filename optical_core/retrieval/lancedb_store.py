"""LanceDBStore: passages in a table of LanceDB, on a folder or object storage.

Each row is a passage, with its tokens in a multivector column. LanceDB keeps every version of a
table. A tag names the last finished version, and searches see only that one, even while another is
written. Without a vector index a search reads all rows, and its MaxSim is exact
(tests/retrieval/test_engines.py checks it). The documentation promises this only for cosines, but
the exhaustive search computes products too, and products keep the norms of rounded vectors.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from optical_core.data.trec import Hits
from optical_core.errors import InputError
from optical_core.retrieval.engine_store import MOST_IDS, EngineStore, StoredPassage, told

_TAG = "finished"
LOOK_SECONDS = 1.0
"""A search sees what was finished so long ago: on object storage, looking takes a while."""


class LanceDBStore(EngineStore):
    """One table of LanceDB; see `EngineStore`."""

    def __init__(self, uri: str, name: str) -> None:
        """Open a table, which need not exist.

        Args:
            uri: a folder, or another place that LanceDB's connect takes (s3://, gs://, az://;
                credentials come from the environment).
            name: of the table.

        Raises:
            InputError: the extra `lancedb` is missing.
        """
        if find_spec("lancedb") is None:
            raise InputError(
                'the engine lancedb is an optional extra: pip install "optical-workbench[lancedb]"'
            )
        self.uri, self.name = uri, name
        self._searched: Any = None
        self._version: int | None = None
        self._looked = 0.0
        super().__init__(f"lancedb at {uri}, table {name}")

    def facts(self) -> Mapping[str, str] | None:
        # Connecting to a folder would make it.
        if "://" not in self.uri and not Path(self.uri).is_dir():
            return None
        with self._told():
            if self.name not in self._database.table_names(limit=100_000):
                return None
            metadata = self._table.schema.metadata or {}
            return {key.decode(): value.decode() for key, value in metadata.items()}

    def state(self) -> str | None:
        with self._told():
            version = self._finished
            return None if version is None else str(version)

    def begin(self, facts: Mapping[str, str], dimension: int) -> None:
        import pyarrow as pa

        vectors = pa.list_(pa.list_(pa.float32(), dimension))
        fields = [("id", pa.string()), ("text_hash", pa.string()), ("vectors", vectors)]
        schema = pa.schema(fields, metadata=dict(facts))
        with self._told():
            self._database.create_table(self.name, schema=schema, exist_ok=True)

    def text_hashes(self) -> dict[str, str]:
        with self._told():
            rows = self._table.search().select(["id", "text_hash"]).to_arrow()
            return dict(zip(rows["id"].to_pylist(), rows["text_hash"].to_pylist(), strict=True))

    def put(self, passages: Sequence[StoredPassage]) -> None:
        import pyarrow as pa

        with self._told():
            schema = self._table.schema
            tokens = np.concatenate([passage.vectors for passage in passages])
            offsets = np.cumsum(
                [0, *(len(passage.vectors) for passage in passages)], dtype=np.int32
            )
            width = schema.field("vectors").type.value_type.list_size
            flat = pa.FixedSizeListArray.from_arrays(pa.array(tokens.reshape(-1)), width)
            columns = [
                pa.array([passage.id for passage in passages]),
                pa.array([passage.text_hash for passage in passages]),
                pa.ListArray.from_arrays(pa.array(offsets), flat),
            ]
            merge = self._table.merge_insert("id")
            merge.when_matched_update_all().when_not_matched_insert_all().execute(
                pa.table(columns, schema=schema)
            )

    def remove(self, identifiers: Sequence[str]) -> None:
        with self._told():
            for begin in range(0, len(identifiers), 1000):
                names = ", ".join(map(_quoted, identifiers[begin : begin + 1000]))
                self._table.delete(f"id IN ({names})")

    def finish(self) -> None:
        with self._told():
            if self._finished == self._table.version:
                return
            self._table.optimize()
            tags, version = self._table.tags, self._table.version
            (tags.create if self._finished is None else tags.update)(_TAG, version)

    def nearest(self, query: np.ndarray, count: int) -> Hits:
        return self._nearest(query, count)

    def nearest_among(self, query: np.ndarray, count: int, among: frozenset[str]) -> Hits:
        if len(among) > MOST_IDS:
            return super().nearest_among(query, count, among)
        return self._nearest(query, count, f"id IN ({', '.join(map(_quoted, sorted(among)))})")

    def _nearest(self, query: np.ndarray, count: int, where: str = "") -> Hits:
        with self._told():
            search = self._snapshot.search(query, vector_column_name="vectors")
            if where:
                search = search.where(where, prefilter=True)
            rows = (
                search.distance_type("dot")
                .bypass_vector_index()
                .limit(count)
                .select(["id", "_distance"])
                .to_arrow()
            )
        # A query token's distance is 1 minus the product.
        scores = [len(query) - distance for distance in rows["_distance"].to_pylist()]
        return list(zip(rows["id"].to_pylist(), scores, strict=True))

    def passage_vectors(self, identifier: str) -> np.ndarray:
        with self._told():
            search = self._snapshot.search().where(f"id = {_quoted(identifier)}")
            rows = search.select(["vectors"]).to_arrow()["vectors"].combine_chunks()
            tokens = rows.flatten()
            width = rows.type.value_type.list_size
            return tokens.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)

    @cached_property
    def _database(self) -> Any:
        import lancedb

        return lancedb.connect(self.uri)

    @cached_property
    def _table(self) -> Any:
        return self._database.open_table(self.name)

    @property
    def _snapshot(self) -> Any:
        """The last finished version of the table; a newer one is looked for now and then."""
        now = time.monotonic()
        if self._searched is None or now - self._looked >= LOOK_SECONDS:
            version = self._finished
            if self._searched is None or version != self._version:
                table = self._database.open_table(self.name)
                table.checkout(_TAG)
                self._searched, self._version = table, version
                vars(self).pop("_opened", None)
            self._looked = now
        return self._searched

    @property
    def _finished(self) -> int | None:
        tag = self._table.tags.list().get(_TAG)
        return None if tag is None else int(tag["version"])

    def _told(self) -> AbstractContextManager[None]:
        return told(self.where, OSError, RuntimeError, ValueError)


def _quoted(text: str) -> str:
    """Quote a string for SQL."""
    return "'" + text.replace("'", "''") + "'"
