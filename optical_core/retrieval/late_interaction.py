"""LateInteraction: token vectors of the query against a store's, by MaxSim."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from optical_core.data.corpus import Passage
from optical_core.data.trec import Hits
from optical_core.models.pair import EncoderPair
from optical_core.models.precision import query_precision
from optical_core.retrieval.explain import TokenMatch, token_matches
from optical_core.retrieval.searcher import Query, Searcher
from optical_core.retrieval.vector_store import VectorStore

logger = logging.getLogger(__name__)


class LateInteraction(Searcher):
    """A pair of encoders on a store: the student encodes queries, the vectors are the teacher's."""

    explains = True

    def __init__(self, pair: EncoderPair, store: VectorStore) -> None:
        """Raises:
        InputError: if another encoder than the teacher made the vectors.
        """
        store.check_encoder(pair.teacher)
        self.pair, self.store, self.name = pair, store, pair.name
        self.weights = pair.student.hash
        self.queries = pair.student
        self._precision = query_precision(self.queries.model.device)
        if self._precision == "int8":
            from optical_core.models.onnx_queries import OnnxQueries

            self.queries = OnnxQueries(self.queries)

    @property
    def identity(self) -> str:
        return f"{self.queries.hash} {self.store.fingerprint} {self._precision} {self.store.mode}"

    def encode(self, queries: Sequence[str]) -> list[Query]:
        """Queries with their vectors; a query longer than the encoder takes is cut, and told of."""
        self._warn_of_cuts(queries)
        vectors = self.queries.encode_queries(queries)
        return [Query(text, matrix) for text, matrix in zip(queries, vectors, strict=True)]

    def rank(self, queries: Sequence[Query], *, top: int = 10) -> list[Hits]:
        return self.store.search_many([query.vectors for query in queries], top=top)

    def explain(self, query: Query, passages: Sequence[Passage]) -> list[list[TokenMatch]]:
        """Matches of the very vectors that give the scores, in the order of the query's tokens."""
        asked, teacher = self.queries.scored_tokens(query.text, "query"), self.pair.teacher
        return [
            token_matches(
                asked,
                query.vectors,
                teacher.scored_tokens(passage.full_text, "passage"),
                self.store.passage_vectors(passage.id),
            )
            for passage in passages
        ]

    def _warn_of_cuts(self, queries: Sequence[str]) -> None:
        """Say it where the encoder doesn't take a query whole."""
        student = self.pair.student
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
