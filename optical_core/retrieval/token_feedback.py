"""ColBERT-PRF: token vectors of the first passages are added to a query's.

Wang, Macdonald, Tonellotto and Ounis (2021), "Pseudo-relevance feedback for multiple representation
dense retrieval". The vectors of the `docs` first passages are clustered by k-means, and each
centre v stands for a token t. The centres of the `terms` rarest tokens are added, each times the
rarity of its token, so that

    score(q, D) = MaxSim(q, D) + weight * sum over v of idf(t) max over j of v . d_j
    idf(t) = log((N + 1) / (N_t + 1)),  N_t of the N passages have t

The centres keep their length, below 1, as in the authors' code. There, a centre's token is the most
frequent one among the ten nearest vectors of the whole index. Here it is that of the nearest vector
of the feedback passages: no other vectors are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from optical_core.data.collection import Collection
from optical_core.data.corpus import Passage
from optical_core.data.trec import Hits
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.tokens import Token, visible
from optical_core.retrieval.expansions import Prf
from optical_core.retrieval.explain import Added, TokenMatch
from optical_core.retrieval.feedback import Feedback
from optical_core.retrieval.glossed import GlossedQuery
from optical_core.retrieval.late_interaction import LateInteraction, TokenVectors
from optical_core.retrieval.searcher import Query, Searcher
from optical_core.retrieval.windows import Window

SEED, STARTS = 42, 10
"""Of k-means, as in the authors' code (scikit-learn 0.23 began ten times, and kept the best)."""
_AT_ONCE = 1024
"""Passages whose tokens are counted at a time."""


def token_passages(encoder: TokenEncoder, passages: Iterable[Passage]) -> tuple[np.ndarray, int]:
    """Count the passages that have each token: (V,) by the token's number, and all passages.

    Examples:
        >>> from optical_core import load_pair
        >>> encoder = load_pair("embedded").teacher
        >>> counts, total = token_passages(encoder, [Passage("p1", "", "salt, salt")])
        >>> int(counts.max()), total
        (1, 1)
    """
    counts = np.zeros(len(encoder.model.tokenizer), np.int64)
    total, rest = 0, iter(passages)
    while part := list(islice(rest, _AT_ONCE)):
        texts = [passage.full_text for passage in part]
        encoded = encoder.model.tokenizer(texts, add_special_tokens=False, verbose=False)
        for numbers in encoded["input_ids"]:
            counts[np.unique(np.asarray(numbers, np.int64))] += 1
        total += len(part)
    return counts, total


def centres(
    found: Sequence[TokenVectors], rarity: Callable[[int], float], way: Prf
) -> tuple[np.ndarray, tuple[Added, ...]]:
    """The vectors that feedback adds to a query, times their weights.

    Args:
        found: vectors of the feedback passages.
        rarity: idf of a token, by its number.
        way: how much is added.

    Returns:
        (k, d) fp32, and the token that each stands for with its weight, the weightiest first. They
        are fewer than `way.terms` if the passages have few tokens, or only some that all have.
    """
    vectors = np.concatenate([part.vectors for part in found]).astype(np.float32)
    pieces = [piece for part in found for piece in part.pieces]
    ids = [number for part in found for number in part.ids]
    middles = _means(vectors, way.clusters)
    nearest = (middles @ vectors.T).argmax(1).tolist()
    weights = np.array([way.weight * rarity(ids[place]) for place in nearest], np.float32)
    order = [row for row in np.argsort(-weights, kind="stable")[: way.terms] if weights[row] > 0]
    added = tuple(Added(visible(pieces[nearest[row]]), float(weights[row])) for row in order)
    return middles[order] * weights[order, None], added


def _means(vectors: np.ndarray, clusters: int) -> np.ndarray:
    from sklearn.cluster import KMeans

    count = min(clusters, len(np.unique(vectors, axis=0)))
    means = KMeans(count, n_init=STARTS, random_state=SEED).fit(vectors)
    return np.asarray(means.cluster_centers_, np.float32)


@dataclass(frozen=True, eq=False)
class ExpandedVectors(Query):
    """A query with the vectors that feedback adds.

    Attributes:
        asked: as it was before; its `whole` has all vectors.
        more: the vectors that were added, times their weights.
        added: the tokens that they stand for.
    """

    asked: Query = field(default_factory=lambda: Query(""))
    more: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    added: tuple[Added, ...] = ()  # type: ignore[misc]

    @property
    def gloss(self) -> str:
        return self.asked.gloss


class TokenFeedback(Feedback[LateInteraction, Prf]):
    """Late interaction whose queries are expanded by ColBERT-PRF.

    Examples:
        >>> from optical_core.data import open_collection
        >>> from optical_core.retrieval import open_searcher
        >>> searcher = open_searcher("embedded+prf", open_collection("demo"))  # doctest: +SKIP
        >>> (query,) = searcher.expanded(searcher.encode(["salty sea"]))  # doctest: +SKIP
        >>> [added.text for added in query.added]  # doctest: +SKIP
    """

    form = ExpandedVectors
    explains = True

    def __init__(
        self,
        name: str,
        searcher: Searcher,
        late: LateInteraction,
        collection: Collection,
        way: Prf,
    ) -> None:
        """Expand queries.

        Args:
            name: of the expression.
            searcher: asks `late`, perhaps in a translation or with a gloss.
            late: its core.
            collection: the passages.
            way: how much is added.
        """
        super().__init__(name, searcher, late, way)
        self.weights, self.scale = searcher.weights, searcher.scale
        self._collection = collection
        self._counted: tuple[Collection, np.ndarray, int] | None = None

    @property
    def identity(self) -> str:
        return f"{super().identity} {SEED} {STARTS}"

    def _expanded(self, query: Query, hits: Hits) -> Query:
        passages, counts, total = self._tokens()
        feedback = [
            vectors
            for identifier, _ in hits
            if (passage := passages.by_id.get(identifier))
            for vectors in self.beneath.scored_vectors(query, passage)
        ]
        if not any(len(part.vectors) for part in feedback):
            return query

        def rarity(number: int) -> float:
            return float(np.log((total + 1) / (counts[number] + 1)))

        more, added = centres(feedback, rarity, self.way)
        whole = np.concatenate([query.vectors, more])
        return ExpandedVectors(
            query.text, whole, asked=_within(query, whole), more=more, added=added
        )

    def _tokens(self) -> tuple[Collection, np.ndarray, int]:
        """The collection with its present passages, and how many have each token."""
        before = self._counted[0] if self._counted else self._collection
        present = before.refreshed()
        if self._counted is None or present is not before:
            self._counted = (
                present,
                *token_passages(self.beneath.pair.teacher, present.passages()),
            )
        return self._counted

    @property
    def windowed(self) -> bool:  # type: ignore[override]
        return self.searcher.windowed

    def window(self, query: Query, passage: Passage) -> Window | None:
        asked = query.asked if isinstance(query, ExpandedVectors) else query
        return self.searcher.window(asked, passage)

    def explain(self, query: Query, passages: Sequence[Passage]) -> list[list[TokenMatch]]:
        """Matches of the query's tokens, then of those that were added, which begin with a +."""
        (query,) = self.expanded([query])
        if not isinstance(query, ExpandedVectors):
            return self.searcher.explain(query, passages)
        tokens = [Token(f"+{added.text}", -1, 0, 0, "text", True) for added in query.added]
        more = Query(query.text, query.more, whole=query.vectors)
        return [
            [*typed, *others]
            for typed, others in zip(
                self.searcher.explain(query.asked, passages),
                self.beneath.matched(tokens, more, passages),
                strict=True,
            )
        ]


def _within(query: Query, whole: np.ndarray) -> Query:
    """The query as a part of another: its windows are chosen by all vectors."""
    if isinstance(query, GlossedQuery):
        return replace(
            query, whole=whole, parts=tuple(replace(p, whole=whole) for p in query.parts)
        )
    return replace(query, whole=whole)
