"""Why a passage has its score: which query token matched which passage token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optical_core.digits import single
from optical_core.models.tokens import Token


@dataclass(frozen=True)
class TokenMatch:
    """One query token's best passage token; `contribution` is their cosine.

    The contributions of a query's tokens add up to the passage's MaxSim score.
    """

    query: Token
    passage: Token
    contribution: float


def token_matches(
    query_tokens: Sequence[Token],
    query_vectors: np.ndarray,
    passage_tokens: Sequence[Token],
    passage_vectors: np.ndarray,
) -> list[TokenMatch]:
    """Each query token's best match, in their order; none where a side has no tokens.

    Vectors are (tokens, d), as they were scored.
    """
    if not len(query_vectors) or not len(passage_vectors):
        return []
    similarity = query_vectors @ np.asarray(passage_vectors, np.float32).T
    best = similarity.argmax(1)
    return [
        TokenMatch(token, passage_tokens[column], single(similarity[row, column]))
        for row, (token, column) in enumerate(zip(query_tokens, best.tolist(), strict=True))
    ]
