"""RM3: BM25's queries, expanded by a relevance model of the first passages.

The formulas and the usual values are those of Anserini's `Rm3Reranker` (Abdul-Jaleel et al. 2004,
"UMass at TREC 2004"). Of each of the `docs` first passages D, its `terms` most frequent terms
count:

    p(t|D) = tf(t, D) / sum of their tf
    p(t)   ∝ sum over D of p(t|D) score(D)        the `terms` largest, which then add up to 1
    weight(t) = w p(t|query) + (1 - w) p(t)       p(t|query) = tf(t, query) / |query|

Terms of fewer than 2 or more than 20 characters, and those that more than a tenth of the passages
have, give no feedback. Anserini also leaves out all that isn't ASCII; other scripts count here.
BM25 is then asked the weighted terms.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optical_core.data.corpus import Passage
from optical_core.data.trec import Hits
from optical_core.retrieval.bm25 import LiveBM25, WeightedQuery
from optical_core.retrieval.expansions import Rm3
from optical_core.retrieval.explain import Added, Share
from optical_core.retrieval.feedback import Feedback
from optical_core.retrieval.searcher import Query

SHORTEST, LONGEST = 2, 20
"""Characters of terms that may give feedback."""
MOST_COMMON = 0.1
"""Largest share of the passages that have a term."""


def relevance_model(
    asked: Mapping[str, float], feedback: Sequence[tuple[Mapping[str, int], float]], way: Rm3
) -> dict[str, float]:
    """The weights of an expanded query's terms; they add up to 1.

    Args:
        asked: term -> frequency in the query.
        feedback: term -> frequency in each of the first passages, and the passage's score.
        way: how much is added.

    Returns:
        Term -> weight; the query's own if nothing gives feedback.

    Examples:
        >>> relevance_model({"sea": 1}, [({"salt": 3, "sea": 1}, 2.0)], Rm3())
        {'sea': 0.625, 'salt': 0.375}
    """
    model: defaultdict[str, float] = defaultdict(float)
    for frequencies, score in feedback:
        kept = _largest(frequencies, way.terms)
        total = sum(kept.values())
        for term, frequency in kept.items():
            model[term] += frequency / total * score
    query = _normalised(asked)
    added = _normalised(_largest(model, way.terms))
    if not added:
        return query
    weights = {term: way.weight * share for term, share in query.items()}
    for term, share in added.items():
        weights[term] = weights.get(term, 0.0) + (1 - way.weight) * share
    return {term: weight for term, weight in weights.items() if weight > 0}


def _largest(values: Mapping[str, float], count: int) -> dict[str, float]:
    return dict(sorted(values.items(), key=lambda item: (-item[1], item[0]))[:count])


def _normalised(values: Mapping[str, float]) -> dict[str, float]:
    total = sum(values.values())
    return {term: value / total for term, value in values.items()} if total else {}


@dataclass(frozen=True, eq=False)
class ExpandedTerms(WeightedQuery):
    """A query's terms with those that feedback adds.

    Attributes:
        added: those that aren't in the query as it was asked.
    """

    added: tuple[Added, ...] = ()  # type: ignore[misc]


class RelevanceModel(Feedback[LiveBM25, Rm3]):
    """BM25 whose queries are expanded by RM3.

    Examples:
        >>> from optical_core.data import open_collection
        >>> demo = open_collection("demo")
        >>> bm25 = LiveBM25(demo)
        >>> searcher = RelevanceModel("bm25+rm3", bm25, bm25, Rm3())
        >>> (query,) = searcher.expanded(searcher.encode(["Why is the sea salty?"]))
        >>> query.added[0].text
        'lake'
    """

    form = ExpandedTerms
    fuses = True

    def _expanded(self, query: Query, hits: Hits) -> Query:
        collection, counted = self.beneath.counted()
        asked = Counter(counted.terms.of_text(query.text))
        feedback = [
            (self._frequencies(passage), score)
            for identifier, score in hits
            if (passage := collection.by_id.get(identifier))
        ]
        weights = relevance_model(asked, feedback, self.way)
        largest = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
        added = tuple(Added(term, weight) for term, weight in largest if term not in asked)
        return ExpandedTerms(query.text, weights=weights, added=added)

    def _frequencies(self, passage: Passage) -> dict[str, int]:
        """The terms of a passage that may give feedback."""
        _, counted = self.beneath.counted()
        most = MOST_COMMON * len(counted.ids)
        return {
            term: count
            for term, count in Counter(counted.terms.of_text(passage.full_text)).items()
            if SHORTEST <= len(term) <= LONGEST and counted.documents(term) <= most
        }

    def shares(
        self, query: Query, passages: Sequence[Passage], *, among: frozenset[str] | None = None
    ) -> list[list[Share]]:
        """The share of each word, of the query or added, the largest first."""
        (expanded,) = self.expanded([query], among=among)
        assert isinstance(expanded, ExpandedTerms)
        added = {entry.text for entry in expanded.added}
        _, counted = self.beneath.counted()
        of_terms = counted.term_scores(expanded.weights, [passage.id for passage in passages])
        shared = []
        for number in range(len(passages)):
            shares = [
                Share(
                    f"{weight:.3f} × {term}{' (added)' * (term in added)}",
                    None,
                    of_terms[term][number],
                    weight * of_terms[term][number],
                )
                for term, weight in expanded.weights.items()
                if of_terms[term][number] > 0
            ]
            shared.append(sorted(shares, key=lambda share: -share.share))
        return shared
