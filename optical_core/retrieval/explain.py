"""Why a passage has its score: which query token matched which passage token."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.tokens import Token


@dataclass(frozen=True)
class TokenMatch:
    """One query token's best passage token; `contribution` is their cosine.

    The contributions of a query's tokens add up to the passage's MaxSim score.
    """

    query: Token
    passage: Token
    contribution: float


def explain(
    student: TokenEncoder,
    teacher: TokenEncoder,
    query: str,
    passage: str,
    *,
    passage_vectors: np.ndarray | None = None,
) -> list[TokenMatch]:
    """Matches in the order of the query's tokens.

    passage_vectors: (tokens, d) as the index stores them, so that the contributions add up to
    the score that the index gave; encoded anew by default.
    """
    vectors = student.encode_queries([query])[0]
    if passage_vectors is None:
        passage_vectors = teacher.encode_passages([passage])[0]
    if not len(vectors) or not len(passage_vectors):
        return []
    similarity = vectors @ np.asarray(passage_vectors, np.float32).T
    best = similarity.argmax(1)
    query_tokens = student.scored_tokens(query, "query")
    passage_tokens = teacher.scored_tokens(passage, "passage")
    return [
        TokenMatch(token, passage_tokens[column], float(similarity[row, column]))
        for row, (token, column) in enumerate(zip(query_tokens, best.tolist(), strict=True))
    ]
