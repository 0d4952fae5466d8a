"""Explain a passage's score: which query token matched which passage token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optical_core.digits import single
from optical_core.models.tokens import Token
from optical_core.retrieval.windows import Window


@dataclass(frozen=True)
class TokenMatch:
    """A query token with its best passage token, or for BM25 a word with its place in the passage.

    The contributions add up to the passage's score.

    Attributes:
        query: the query token.
        passage: the best passage token.
        contribution: their cosine, times what the query token counts; for BM25 the word's weight in
            the passage.
        window: of the passage, in which the token is; None if the passage is indexed whole.
        gloss: is the query token one of the query's gloss?
    """

    query: Token
    passage: Token
    contribution: float
    window: Window | None = None
    gloss: bool = False


@dataclass(frozen=True)
class Share:
    """One part's share of a passage's score in a pipeline; the shares add up to the score.

    Attributes:
        name: of the part; of an expanded query's word, the word and its weight.
        rank: of the passage in the part's ranking; None if it isn't among those that count, and
            for words.
        score: that the part gives the passage; None if it isn't among those that count.
        share: of the pipeline's score; 0 for a part that only chooses what is ranked again.
    """

    name: str
    rank: int | None
    score: float | None
    share: float

    @property
    def standing(self) -> str:
        """The passage's place in the part's ranking, in words; empty for a word.

        Examples:
            >>> Share("bm25", 3, 8.5, 0.0).standing, Share("bm25", None, None, 0.0).standing
            ('rank 3', 'not found')
        """
        if self.rank is not None:
            return f"rank {self.rank}"
        return "not found" if self.score is None else ""


@dataclass(frozen=True)
class Added:
    """A word, or a token, that feedback has added to a query.

    Attributes:
        text: the word or token.
        weight: how much it counts; see `relevance_model` and `token_feedback`.
    """

    text: str
    weight: float


def token_matches(
    query_tokens: Sequence[Token],
    query_vectors: np.ndarray,
    passage_tokens: Sequence[Token],
    passage_vectors: np.ndarray,
    window: Window | None = None,
) -> list[TokenMatch]:
    """The best match of each query token, in the order of the query.

    Args:
        query_tokens: the n tokens of the query.
        query_vectors: their vectors (n, d), as they were scored.
        passage_tokens: the m tokens of the passage.
        passage_vectors: their vectors (m, d), as they were scored.
        window: of the passage, if the tokens are a window's.

    Returns:
        n matches; none if a side has no tokens.

    Examples:
        >>> asked, sea, dry = (Token(w, 1, 0, 3, "text", True) for w in ("sea", "sea", "dry"))
        >>> vectors = np.eye(2, dtype=np.float32)
        >>> (match,) = token_matches([asked], vectors[:1], [sea, dry], vectors)
        >>> match.passage.piece, match.contribution
        ('sea', 1.0)
    """
    if not len(query_vectors) or not len(passage_vectors):
        return []
    similarity = query_vectors @ np.asarray(passage_vectors, np.float32).T
    best = similarity.argmax(1)
    return [
        TokenMatch(token, passage_tokens[column], single(similarity[row, column]), window)
        for row, (token, column) in enumerate(zip(query_tokens, best.tolist(), strict=True))
    ]


def one_window(matches: Sequence[TokenMatch]) -> Window | None:
    """The window that all matches are in; None if there are several, or none."""
    windows = {match.window for match in matches}
    return windows.pop() if len(windows) == 1 else None
