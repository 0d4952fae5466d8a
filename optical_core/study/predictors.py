"""What an encoder makes of a language's queries, before anything is retrieved.

Measured on a parallel collection, for each query and the English query of the same need: into
how many pieces its words fall, and what it costs to transport its tokens onto the English ones.
`analysis.predictors` asks whether that tells how well a language is served.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from optical_core.data.collection import Collection
from optical_core.data.languages import is_english, language
from optical_core.data.resources import UNSPACED
from optical_core.errors import InputError
from optical_core.models.alignment import EncodedPair, solve_pair
from optical_core.models.pair import EncoderPair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.tokens import Token

EXPENSIVE = 0.5
"""Cosine distance above which mass counts as not aligned: the tokens have little in common."""


@dataclass(frozen=True)
class QueryCosts:
    """One language's queries as an encoder sees them; means over `topics` queries.

    Attributes:
        fertility: tokens a word (between spaces, punctuation included), over all words of the
            queries; None for languages that are written without spaces.
        transport: ⟨P, C⟩ of the exact plan between the student's tokens of the query and the
            teacher's of its English translation, C the cosine distance.
        unaligned: share of that plan's mass that moves at more than `EXPENSIVE`.
    """

    language: str
    topics: int
    fertility: float | None
    transport: float
    unaligned: float


def query_costs(
    encoders: EncoderPair,
    collection: Collection,
    languages: Sequence[str] = (),
    *,
    topics: int = 200,
    watch: Callable[[float, str], None] | None = None,
) -> dict[str, QueryCosts]:
    """Measure languages (default: all but English) on the first `topics` needs, by language.

    Queries that have no tokens in either language are left out, languages without any other
    query too. `watch` is told the share done and what is being done.

    Raises InputError: the collection isn't parallel, or has no English queries.
    """
    if not collection.info.parallel or collection.english is None:
        raise InputError(
            f"collection {collection.name} has no English query for each query of another "
            "language: transport costs need a parallel collection with English"
        )
    codes = [code for code in languages or collection.languages if not is_english(code)]
    english = dict(list(collection.queries(collection.english).items())[:topics])
    target = _Side.of(encoders.teacher, english)
    found = {}
    for done, code in enumerate(codes):
        if watch:
            watch(done / len(codes), language(code).name)
        texts = collection.queries(code)
        source = _Side.of(encoders.student, {q: texts[q] for q in english if q in texts})
        costs = _costs(code, source, target)
        if costs:
            found[code] = costs
    return found


@dataclass(frozen=True)
class _Side:
    """Encoded queries: vectors (tokens, d) and tokens by need."""

    vectors: dict[str, np.ndarray]
    tokens: dict[str, tuple[Token, ...]]

    @classmethod
    def of(cls, encoder: TokenEncoder, texts: dict[str, str]) -> _Side:
        vectors = encoder.encode_queries(list(texts.values()))
        return cls(
            dict(zip(texts, vectors, strict=True)),
            {need: tuple(encoder.scored_tokens(text, "query")) for need, text in texts.items()},
        )


def _costs(code: str, source: _Side, target: _Side) -> QueryCosts | None:
    costs, shares, pieces, words = [], [], 0, 0
    for need, tokens in source.tokens.items():
        if not tokens or not target.tokens[need]:
            continue
        pair = EncodedPair(
            source.vectors[need], target.vectors[need], tokens, target.tokens[need], truncated=0
        )
        plan = solve_pair(pair)
        costs.append(plan.total_cost)
        shares.append(float(plan.plan[plan.cost > EXPENSIVE].sum() / plan.plan.sum()))
        pieces += sum(token.word >= 0 for token in tokens)
        words += len({token.word for token in tokens if token.word >= 0})
    if not costs:
        return None
    return QueryCosts(
        language=code,
        topics=len(costs),
        fertility=pieces / words if words and code not in UNSPACED else None,
        transport=float(np.mean(costs)),
        unaligned=float(np.mean(shares)),
    )
