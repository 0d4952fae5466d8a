"""LateInteraction: rank a store's passages by MaxSim of token vectors."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from optical_core.data.corpus import Passage
from optical_core.data.trec import Hits
from optical_core.models.pair import EncoderPair
from optical_core.models.precision import query_precision
from optical_core.models.tokens import Token
from optical_core.retrieval.explain import TokenMatch, token_matches
from optical_core.retrieval.searcher import Query, Searcher
from optical_core.retrieval.vector_store import VectorStore

logger = logging.getLogger(__name__)


class LateInteraction(Searcher):
    """Searches a store with a pair of encoders.

    The student encodes queries; the teacher has encoded the passages in the store.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from optical_core import load_pair
        >>> from optical_core.retrieval.indexing import build_index
        >>> pair, passage = load_pair("embedded"), Passage("p1", "", "The sea is salty.")
        >>> with TemporaryDirectory() as folder:
        ...     index = build_index(Path(folder, "index"), [passage], pair.teacher)
        ...     searcher = LateInteraction(pair, index)
        ...     (query,) = searcher.encode(["Kwa nini bahari ina chumvi?"])
        ...     (((identifier, score),),) = searcher.rank([query])
        ...     (matches,) = searcher.explain(query, [passage])
        >>> identifier, abs(sum(match.contribution for match in matches) - score) < 1e-3
        ('p1', True)
    """

    explains = True

    def __init__(self, pair: EncoderPair, store: VectorStore) -> None:
        """Open a searcher.

        Raises:
            InputError: the teacher didn't make the store's vectors.
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
        """Encode queries. One that is too long for the encoder is cut, with a warning."""
        self._warn_of_cuts(queries)
        vectors = self.queries.encode_queries(queries)
        return [Query(text, matrix) for text, matrix in zip(queries, vectors, strict=True)]

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        vectors = [query.vectors for query in queries]
        return self.store.search_many(vectors, top=top, among=among)

    def explain(self, query: Query, passages: Sequence[Passage]) -> list[list[TokenMatch]]:
        """Matches in the order of the query's tokens, from the vectors that give the scores."""
        asked = self.queries.scored_tokens(query.text, "query")
        return [
            token_matches(
                asked,
                query.vectors,
                self._stored_tokens(passage),
                self.store.passage_vectors(passage.id),
            )
            for passage in passages
        ]

    def _stored_tokens(self, passage: Passage) -> list[Token]:
        """The token of each of a passage's vectors in the store."""
        tokens = self.pair.teacher.scored_tokens(passage.full_text, "passage")
        standing = self.store.passage_tokens(passage.id)
        return tokens if standing is None else [tokens[number] for number in standing]

    def _warn_of_cuts(self, queries: Sequence[str]) -> None:
        """Warn if queries are too long for the encoder."""
        student = self.pair.student
        # A query with fewer characters than the token limit can't be too long: don't count.
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
