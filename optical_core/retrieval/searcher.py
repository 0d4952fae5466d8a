"""Searchers: one face for every way to rank a collection's passages for a query."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from optical_core.data.collection import Collection
from optical_core.data.trec import Run
from optical_core.models.precision import query_precision
from optical_core.models.retriever import Retriever, load_retriever
from optical_core.retrieval.bm25 import BM25
from optical_core.retrieval.candidates import search_candidates
from optical_core.retrieval.explain import TokenMatch, explain
from optical_core.retrieval.token_index import TokenIndex, collection_index

logger = logging.getLogger(__name__)


class Searcher(Protocol):
    """What ranks passages; `name` is what tables call it."""

    name: str

    def search(self, query: str, *, top: int = 10) -> list[tuple[str, float]]: ...

    def run(self, queries: Mapping[str, str], *, top: int = 1000) -> Run: ...


class LateInteraction:
    """A retriever on a token index: the student encodes queries, the index is the teacher's."""

    def __init__(
        self, retriever: Retriever, index: TokenIndex, *, approximate: bool = False
    ) -> None:
        index.check_encoder(retriever.teacher)
        self.retriever, self.index, self.name = retriever, index, retriever.name
        self.approximate = approximate
        self.queries = retriever.student
        if query_precision(self.queries.model.device) == "int8":
            from optical_core.models.onnx_queries import OnnxQueries

            self.queries = OnnxQueries(self.queries)

    def search(self, query: str, *, top: int = 10) -> list[tuple[str, float]]:
        """Exact MaxSim over all passages, or over FAISS candidates if `approximate`.

        A query longer than the encoder takes is cut, with a warning.
        """
        self._warn_of_cuts([query])
        vectors = self.queries.encode_queries([query])[0]
        if self.approximate:
            return search_candidates(self.index, vectors, top=top)
        return self.index.search(vectors, top=top)

    def run(self, queries: Mapping[str, str], *, top: int = 1000) -> Run:
        self._warn_of_cuts(list(queries.values()))
        vectors = self.queries.encode_queries(list(queries.values()))
        rankings = self.index.search_many(vectors, top=top)
        return {
            identifier: dict(ranking) for identifier, ranking in zip(queries, rankings, strict=True)
        }

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

    def explain(self, query: str, identifier: str, text: str) -> list[TokenMatch]:
        """Token matches of a result, from the very vectors that gave its score."""
        return explain(
            self.queries,
            self.retriever.teacher,
            query,
            text,
            passage_vectors=self.index.passage_vectors(identifier),
        )


class Lexical:
    """BM25 on the query as typed."""

    name = "bm25"

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
    name: str, collection: Collection, *, device: str | None = None, progress: bool = False
) -> Searcher:
    """A searcher by model name; indexes the collection first where that hasn't been done."""
    if name == Lexical.name:
        return Lexical(collection)
    retriever = load_retriever(name, device=device)
    index = collection_index(collection, retriever.teacher, progress=progress)
    return LateInteraction(retriever, index)
