"""EngineStore: a collection's token vectors in another engine, searched as a TokenIndex is.

Vectors have the values of a local index, rounded to fp16, but in fp32 columns. Engines round the
query to the type of the column: with fp16 columns, explanations would not add up to the scores.
"""

from __future__ import annotations

import hashlib
import logging
import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from optical_core.data.collection import Collection, Passage
from optical_core.data.trec import Hits, best_first
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.indexing import existing_index
from optical_core.retrieval.vector_store import VectorStore
from optical_core.retrieval.windows import Cuts
from optical_core.storage import exclusive
from optical_core.wording import counted

logger = logging.getLogger(__name__)

WRITTEN = 1024
"""Passages written to an engine at a time: the most that a killed process loses."""
MOST_IDS = 10_000
"""Most ids of passages that may be found that are sent to an engine with a query."""
_SPARE = 10
"""Passages asked for beyond the best ones, to put equal scores at the end in order."""


class StoredPassage(NamedTuple):
    """A passage as an engine stores it; its vectors are (tokens, d) fp32, maybe without tokens."""

    id: str
    text_hash: str
    vectors: np.ndarray


class EngineStore(VectorStore):
    """A collection's token vectors in an engine; an engine's class says how it reads and writes.

    This class has the parts that all engines share: it finds missing passages, refuses queries of
    another encoder, and orders equal scores. Every method raises InputError if the engine fails.
    """

    def __init__(self, where: str) -> None:
        """Make a store.

        Args:
            where: the engine, the place and the name, for messages.
        """
        self.where = where

    @abstractmethod
    def facts(self) -> Mapping[str, str] | None:
        """The facts that `begin` recorded; None if there is nothing yet."""

    @abstractmethod
    def state(self) -> str | None:
        """Identifies the finished content; None if none was ever finished."""

    @abstractmethod
    def begin(self, facts: Mapping[str, str], dimension: int) -> None:
        """Make the store if it isn't there. From here on, nothing half written is searched."""

    @abstractmethod
    def text_hashes(self) -> dict[str, str]:
        """Passage id -> text hash, of all passages that have been written."""

    @abstractmethod
    def put(self, passages: Sequence[StoredPassage]) -> None:
        """Write passages. A passage with the same id is replaced."""

    @abstractmethod
    def remove(self, identifiers: Sequence[str]) -> None:
        """Remove passages by their ids."""

    @abstractmethod
    def finish(self) -> None:
        """Let the written passages be searched; do nothing if they can be already."""

    @abstractmethod
    def nearest(self, query: np.ndarray, count: int) -> Hits:
        """The `count` passages with the largest exact MaxSim for a query (n, d) fp32, n > 0."""

    @cached_property
    def _opened(self) -> tuple[Mapping[str, str], str]:
        """The facts and the state, read once.

        Raises:
            InputError: there is nothing, or it was never finished.
        """
        facts = self.facts()
        if not facts:
            raise InputError(
                f"there is nothing in {self.where}: this encoder hasn't indexed the collection "
                "there; do it with `optical index`"
            )
        state = self.state()
        if state is None:
            raise InputError(
                f"the indexing into {self.where} was not finished; "
                "the same `optical index` goes on with it"
            )
        return facts, state

    @property
    def fingerprint(self) -> str:
        facts, state = self._opened
        return f"{facts['encoder_hash']} {self.where} {state}"

    def check_encoder(self, encoder: TokenEncoder) -> None:
        _check_encoder(self.where, self._opened[0], encoder)

    def nearest_among(self, query: np.ndarray, count: int, among: frozenset[str]) -> Hits:
        """`nearest` of the passages with some ids: at least `count` if there are so many.

        This asks for more and more of all passages. An engine that filters is faster with its own.
        """
        asked = count
        while True:
            nearest = self.nearest(query, asked)
            found = [(name, score) for name, score in nearest if name in among]
            if len(found) >= min(count, len(among)) or len(nearest) < asked:
                return found
            asked *= 4

    def search(
        self, query: np.ndarray, *, top: int = 10, among: frozenset[str] | None = None
    ) -> Hits:
        if not len(query) or (among is not None and not among):
            return []
        query = np.asarray(query, np.float32)
        count = top + _SPARE
        while True:
            if among is None:
                nearest = self.nearest(query, count)
            else:
                nearest = self.nearest_among(query, count, among)
            ranked = best_first(nearest, count)
            # An engine may cut off some of several equal scores: ask again until a lower one comes.
            if len(nearest) < count or ranked[-1][1] < ranked[top - 1][1]:
                return ranked[:top]
            count *= 2


def fill(
    store: EngineStore,
    collection: Collection,
    encoder: TokenEncoder,
    *,
    batch_size: int = 32,
    progress: bool = False,
) -> int:
    """Make a store contain exactly the passages of a collection.

    Passages that are there with their present text are left alone: an interrupted call can be
    repeated, and a second call writes nothing. If this encoder has a local index of the collection,
    its vectors are used, and nothing is encoded again.

    Returns:
        The number of passages that were written.
    """
    with exclusive(Path(store.where)):
        hashes = _text_hashes(collection.passages())
        facts = store.facts()
        if facts:
            _check_encoder(store.where, facts, encoder)
        known = store.text_hashes() if facts else {}
        missing = [name for name, text in hashes.items() if known.get(name) != text]
        gone = sorted(known.keys() - hashes.keys())
        if missing or gone:
            recorded = {"encoder": encoder.name, "encoder_hash": encoder.hash}
            store.begin(recorded, encoder.dimension)
            rows = _rows(collection, encoder, set(missing), hashes, batch_size, progress)
            while batch := list(islice(rows, WRITTEN)):
                store.put(batch)
            if gone:
                store.remove(gone)
        store.finish()
    return len(missing)


def store_name(collection: Collection, encoder: TokenEncoder) -> str:
    """The name of a store: the collection and the encoder, in characters that all engines accept.

    Each encoder has its own store of a collection, as it has its own local index.
    """
    name = re.sub(r"[^A-Za-z0-9_-]", "_", collection.name)
    if name != collection.name:
        name += "-" + hashlib.blake2b(collection.name.encode(), digest_size=4).hexdigest()
    return f"{name}-{encoder.hash}"


@contextmanager
def told(where: str, *errors: type[Exception]) -> Iterator[None]:
    """Turn an engine's own errors into one sentence."""
    try:
        yield
    except InputError:
        raise
    except errors as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{where} can't be used: {reason}") from error


def _rows(
    collection: Collection,
    encoder: TokenEncoder,
    missing: set[str],
    hashes: Mapping[str, str],
    batch_size: int,
    progress: bool,
) -> Iterator[StoredPassage]:
    wanted = (passage for passage in collection.passages() if passage.id in missing)
    index = existing_index(collection, encoder)
    if index is not None and index.compression.plain and index.windows.plain:
        logger.info("the vectors are those of the local index %s", index.folder)
        for passage in wanted:
            yield StoredPassage(passage.id, hashes[passage.id], index.passage_vectors(passage.id))
        return
    encoded: list[Passage] = []
    cuts = Cuts(encoder)

    def texts() -> Iterator[str]:
        for passage in wanted:
            encoded.append(passage)
            cuts.add(passage.full_text)
            yield passage.full_text

    stream = encoder.encode(texts(), "passage", batch_size=batch_size, progress=progress)
    empty = 0
    for vectors in stream:
        identifier = encoded.pop(0).id
        empty += not len(vectors)
        # Rounded as in a local index.
        kept = vectors.astype(np.float16).astype(np.float32)
        yield StoredPassage(identifier, hashes[identifier], kept)
    if loss := cuts.loss():
        logger.warning("%s; only the engine local cuts passages into windows", loss)
    if empty:
        logger.warning("%s no text to index", counted(empty, "passage has", "passages have"))


def _text_hashes(passages: Iterable[Passage]) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for passage in passages:
        if passage.id in hashes:
            raise InputError(f"the passage id {passage.id!r} comes twice")
        hashes[passage.id] = passage.text_hash
    if not hashes:
        raise InputError("there are no passages to index")
    return hashes


def _check_encoder(where: str, facts: Mapping[str, str], encoder: TokenEncoder) -> None:
    if facts.get("encoder_hash") != encoder.hash:
        raise InputError(
            f"{where} was indexed by the encoder {facts.get('encoder')} "
            f"({facts.get('encoder_hash')}), not by {encoder.name} ({encoder.hash}); "
            "index the collection for it with `optical index`"
        )
