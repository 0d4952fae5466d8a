"""Why a passage has its score: which query token matched which passage token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optical_core.digits import single
from optical_core.models.tokens import Token

if TYPE_CHECKING:
    from optical_core.models.token_encoder import TokenEncoder


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
    query_vectors: np.ndarray | None = None,
    passage_vectors: np.ndarray | None = None,
) -> list[TokenMatch]:
    """Matches in the order of the query's tokens.

    query_vectors, passage_vectors: (tokens, d) as they were scored, so that the contributions
    add up to the score that the index gave; encoded anew by default.
    """
    vectors = student.encode_queries([query])[0] if query_vectors is None else query_vectors
    if passage_vectors is None:
        passage_vectors = teacher.encode_passages([passage])[0]
    if not len(vectors) or not len(passage_vectors):
        return []
    similarity = vectors @ np.asarray(passage_vectors, np.float32).T
    best = similarity.argmax(1)
    query_tokens = student.scored_tokens(query, "query")
    passage_tokens = teacher.scored_tokens(passage, "passage")
    return [
        TokenMatch(token, passage_tokens[column], single(similarity[row, column]))
        for row, (token, column) in enumerate(zip(query_tokens, best.tolist(), strict=True))
    ]
