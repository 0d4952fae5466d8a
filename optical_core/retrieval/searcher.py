"""Searchers: one face for every way to rank a collection's passages for a query."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import bm25s
import numpy as np

from optical_core.data.collection import Collection
from optical_core.data.trec import Run
from optical_core.errors import InputError
from optical_core.models.precision import query_precision
from optical_core.models.retriever import Retriever, load_retriever
from optical_core.retrieval.bm25 import BM25
from optical_core.retrieval.engines import LOCAL, Engine, open_engine
from optical_core.retrieval.explain import TokenMatch, explain
from optical_core.retrieval.modes import open_mode

logger = logging.getLogger(__name__)


class Searcher(Protocol):
    """What ranks passages; `name` is what tables call it.

    `identity` changes with whatever decides a ranking, but for the passages and the query.
    """

    name: str

    @property
    def identity(self) -> str: ...

    def search(self, query: str, *, top: int = 10) -> list[tuple[str, float]]: ...

    def run(self, queries: Mapping[str, str], *, top: int = 1000) -> Run: ...


class LateInteraction:
    """A retriever on an engine's index: the student encodes queries, the index is the teacher's."""

    def __init__(self, retriever: Retriever, index: Engine, *, mode: str = "exact") -> None:
        """mode: one of `modes.MODES`."""
        index.check_encoder(retriever.teacher)
        self.retriever, self.index, self.name = retriever, index, retriever.name
        self.mode, self._ranker = mode, open_mode(index, mode)
        self.queries = retriever.student
        self._precision = query_precision(self.queries.model.device)
        if self._precision == "int8":
            from optical_core.models.onnx_queries import OnnxQueries

            self.queries = OnnxQueries(self.queries)

    @property
    def identity(self) -> str:
        return f"{self.queries.hash} {self.index.fingerprint} {self._precision} {self.mode}"

    def search(self, query: str, *, top: int = 10) -> list[tuple[str, float]]:
        """The best passages with their exact MaxSim scores, found in the searcher's mode.

        A query longer than the encoder takes is cut, with a warning.
        """
        return self.rank(self.encode([query]), top=top)[0]

    def run(self, queries: Mapping[str, str], *, top: int = 1000) -> Run:
        rankings = self.rank(self.encode(list(queries.values())), top=top)
        return {
            identifier: dict(ranking) for identifier, ranking in zip(queries, rankings, strict=True)
        }

    def encode(self, queries: Sequence[str]) -> list[np.ndarray]:
        """Vectors (tokens, d) of queries; those longer than the encoder takes are cut."""
        self._warn_of_cuts(queries)
        return self.queries.encode_queries(queries)

    def rank(
        self, queries: Sequence[np.ndarray], *, top: int = 10
    ) -> list[list[tuple[str, float]]]:
        """`search` for each of some encoded queries, which share a pass over the index."""
        return self._ranker.search_many(queries, top=top)

    def _warn_of_cuts(self, queries: Sequence[str]) -> None:
        """Say it where the encoder doesn't take a query whole."""
        student = self.retriever.student
        # A query of fewer characters than tokens allowed can't be too long: no need to count.
        limit = student.max_length("query")
        cuts = [student.truncated(q, "query") for q in queries if len(q) + 8 > limit]
        if any(cuts):
            logger.warning(
                "%d of %d queries are longer than the encoder's %d tokens: up to %d tokens are cut",
                sum(cut > 0 for cut in cuts),
                len(queries),
                limit,
                max(cuts),
            )

    def explain(
        self, query: str, identifier: str, text: str, *, vectors: np.ndarray | None = None
    ) -> list[TokenMatch]:
        """Token matches of a result, from the very vectors that gave its score.

        vectors: of the query, if it is encoded already.
        """
        return explain(
            self.queries,
            self.retriever.teacher,
            query,
            text,
            query_vectors=vectors,
            passage_vectors=self.index.passage_vectors(identifier),
        )


class Lexical:
    """BM25 on the query as typed."""

    name = "bm25"
    identity = f"bm25s {bm25s.__version__}"

    def __init__(self, collection: Collection) -> None:
        self._engine = BM25(collection.passages())

    def search(self, query: str, *, top: int = 10) -> list[tuple[str, float]]:
        return self._engine.search(query, top=top)

    def run(self, queries: Mapping[str, str], *, top: int = 1000) -> Run:
        return {
            identifier: dict(self._engine.search(text, top=top))
            for identifier, text in queries.items()
        }


def open_searcher(
    name: str,
    collection: Collection,
    *,
    mode: str = "exact",
    engine: str = LOCAL,
    uri: str | None = None,
    device: str | None = None,
    progress: bool = False,
    load: Callable[[str], Retriever] | None = None,
) -> Searcher:
    """A searcher by model name; the engine `local` indexes the collection first where that hasn't
    been done, others, and an index at a `uri`, must have it.

    load: opens a model, if not `load_retriever` on the device.

    BM25 has one mode, whatever `mode` says, and no index that an engine could keep.
    """
    if name == Lexical.name:
        if engine != LOCAL or uri is not None:
            raise InputError(f"{name} has no index of token vectors; use a token-level model")
        return Lexical(collection)
    retriever = load(name) if load else load_retriever(name, device=device)
    index = open_engine(engine, uri, collection, retriever.teacher, progress=progress)
    return LateInteraction(retriever, index, mode=mode)
