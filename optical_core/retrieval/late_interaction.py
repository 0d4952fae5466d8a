"""LateInteraction: rank a store's passages by MaxSim of token vectors."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from optical_core.data.corpus import Passage
from optical_core.data.trec import Hits
from optical_core.errors import InputError
from optical_core.models.pair import EncoderPair
from optical_core.models.precision import query_precision
from optical_core.models.tokens import Token
from optical_core.retrieval.explain import TokenMatch, token_matches
from optical_core.retrieval.searcher import Query, Searcher
from optical_core.retrieval.vector_store import VectorStore
from optical_core.retrieval.windows import Window

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class TokenVectors:
    """Stored vectors of a passage, or of a window.

    Attributes:
        pieces: the token's text for each vector.
        ids: its number in the vocabulary.
        vectors: (m, d) fp32.
    """

    pieces: Sequence[str]
    ids: Sequence[int]
    vectors: np.ndarray


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
    scale = "maxsim"

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

    @property
    def precision(self) -> str:
        return self.store.precision

    @property
    def windowed(self) -> bool:  # type: ignore[override]
        return not self.store.windows.plain

    def encode(self, queries: Sequence[str]) -> list[Query]:
        """Encode queries. One that is too long for the encoder is cut, with a warning."""
        self._warn_of_cuts(queries)
        vectors = self.queries.encode_queries(queries)
        return [Query(text, matrix) for text, matrix in zip(queries, vectors, strict=True)]

    def query_tokens(self, query: str) -> Sequence[Token]:
        return self.queries.scored_tokens(query, "query")

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        vectors = [query.vectors for query in queries]
        return self.store.search_many(vectors, top=top, among=among)

    def explain(self, query: Query, passages: Sequence[Passage]) -> list[list[TokenMatch]]:
        """Matches in the order of the query's tokens, from the vectors that give the scores.

        Of a passage's windows, they are the best one's, the first one's or all, as the score is.
        """
        return self.matched(self.query_tokens(query.text), query, passages)

    def matched(
        self, asked: Sequence[Token], query: Query, passages: Sequence[Passage]
    ) -> list[list[TokenMatch]]:
        """`explain` for a query whose vectors stand for the tokens `asked`."""
        explained = []
        for passage in passages:
            matches: list[TokenMatch] = []
            for window, vectors, standing in self._scored(query, passage):
                tokens = _standing(self._tokens(passage, window), standing)
                named = window if self.windowed else None
                matches += token_matches(asked, query.vectors, tokens, vectors, named)
            explained.append(matches)
        return explained

    def scored_vectors(self, query: Query, passage: Passage) -> list[TokenVectors]:
        """The stored vectors that a passage's score is made of, with their tokens, by window."""
        found = []
        for window, vectors, standing in self._scored(query, passage):
            text = passage.full_text[window.start : window.end]
            ids = self.pair.teacher.scored_ids(text, "passage")
            pieces = [token.piece for token in self._tokens(passage, window)]
            found.append(
                TokenVectors(_standing(pieces, standing), _standing(ids, standing), vectors)
            )
        return found

    def window(self, query: Query, passage: Passage) -> Window | None:
        """The window of a passage that has its score; of a sum, the one that adds most."""
        if not self.windowed:
            return None
        scored = self._scored(query, passage)
        return scored[_best(query, [vectors for _, vectors, _ in scored])][0]

    def _scored(
        self, query: Query, passage: Passage
    ) -> list[tuple[Window, np.ndarray, np.ndarray | None]]:
        """The windows that a passage's score is made of, with their stored vectors and tokens.

        Raises:
            InputError: the passage has changed since it was indexed.
        """
        windows, stored = self.store.windows, self.store.window_vectors(passage.id)
        spans = windows.spans(self.pair.teacher, passage.full_text)
        if len(spans) != len(stored):
            raise InputError(f"the passage {passage.id} has changed since it was indexed")
        rows = [
            (Window(f"{passage.id}#{number}", number, len(spans), *span), *vectors)
            for number, (span, vectors) in enumerate(zip(spans, stored, strict=True), 1)
        ]
        if windows.aggregate == "sum":
            return rows
        best = 0 if windows.aggregate == "first" else _best(query, [v for v, _ in stored])
        return [rows[best]]

    def _tokens(self, passage: Passage, window: Window) -> list[Token]:
        """The scored tokens of a window, with their places in the passage."""
        text = passage.full_text[window.start : window.end]
        return [
            replace(token, start=token.start + window.start, end=token.end + window.start)
            for token in self.pair.teacher.scored_tokens(text, "passage")
        ]

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


def _standing(tokens: Sequence[T], standing: np.ndarray | None) -> Sequence[T]:
    """Those of a passage's tokens that stand for its vectors; None for all."""
    return tokens if standing is None else [tokens[number] for number in standing]


def _best(query: Query, windows: Sequence[np.ndarray]) -> int:
    """The place of the best of some windows for a query, by their vectors."""
    asked = query.vectors if query.whole is None else query.whole
    scores = [
        float((asked @ vectors.T).max(1).sum()) if vectors.size and asked.size else 0.0
        for vectors in windows
    ]
    return int(np.argmax(scores))
