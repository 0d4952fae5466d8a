"""Properties of a language's encoded queries that may predict its retrieval quality.

They are measured on a parallel collection, for each query and the English query of the same need:
how many pieces its words have, and the cost of transporting its tokens onto the English ones.
`analysis.predictors` correlates them with the quality.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from optical_core.data.collection import Collection
from optical_core.data.languages import is_english, language
from optical_core.data.resources import UNSPACED
from optical_core.data.words import knows_words
from optical_core.errors import InputError
from optical_core.models.alignment import EncodedPair, solve_pair
from optical_core.models.pair import EncoderPair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.tokens import Token

EXPENSIVE = 0.5
"""Mass that moves at a larger cosine distance counts as not aligned."""


@dataclass(frozen=True)
class QueryCosts:
    """Properties of one language's queries, as means over `topics` queries.

    Attributes:
        language: its code.
        topics: how many queries were measured.
        fertility: tokens a word (punctuation included), over all words of the queries; None for
            languages written without spaces, if their words aren't known here.
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
    """Measure the queries of languages on the first `topics` needs.

    Args:
        encoders: the student reads the queries, the teacher their English translations.
        collection: a parallel one.
        languages: all but English by default.
        topics: needs, from the first on.
        watch: called with the share done and the language in work.

    Returns:
        Language -> properties. Queries without tokens in one of the two languages are left out;
        a language without any other query has no entry.

    Raises:
        InputError: the collection isn't parallel, or has no English queries.

    Examples:
        >>> from optical_core.data.collection import open_collection
        >>> from optical_core.models import load_pair
        >>> pair = load_pair("embedded")  # doctest: +SKIP
        >>> query_costs(pair, open_collection("demo"), ["so"])["so"].transport  # doctest: +SKIP
    """
    if not collection.info.parallel or collection.english is None:
        raise InputError(
            f"collection {collection.name} has no English query for each query of another "
            "language: transport costs need a parallel collection with English"
        )
    codes = [code for code in languages or collection.languages if not is_english(code)]
    english = dict(list(collection.queries(collection.english).items())[:topics])
    target = _Side.of(encoders.teacher, english)
    by_language = {}
    for done, code in enumerate(codes):
        if watch:
            watch(done / len(codes), language(code).name)
        texts = collection.queries(code)
        source = _Side.of(encoders.student, {q: texts[q] for q in english if q in texts})
        costs = _costs(code, source, target)
        if costs:
            by_language[code] = costs
    return by_language


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
        fertility=pieces / words if words and (code not in UNSPACED or knows_words()) else None,
        transport=float(np.mean(costs)),
        unaligned=float(np.mean(shares)),
    )
