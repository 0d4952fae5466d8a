"""Values of hits that can be added up over rankings: scaled scores and reciprocal ranks."""

from __future__ import annotations

from collections.abc import Callable

from optical_core.data.trec import Hits

FUSED = 1000
"""Passages of each ranking that count, unless it is cut: values don't depend on how many results
are wanted."""
OF = 100.0
"""Best scaled score. Scores are rounded to 4 places: of 1, those of many would be equal."""
THOUSANDTHS = 1000.0
"""Reciprocal ranks are given in thousandths, for the same reason."""


def scaled(hits: Hits) -> dict[str, float]:
    """Scores from 0, of the last passage, to 100, of the first; 100 if all are equal.

    Examples:
        >>> scaled([("a", 9.0), ("b", 7.0), ("c", 5.0)])
        {'a': 100.0, 'b': 50.0, 'c': 0.0}
    """
    scores = [score for _, score in hits]
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    if low == high:
        return dict.fromkeys((identifier for identifier, _ in hits), OF)
    return {identifier: OF * (score - low) / (high - low) for identifier, score in hits}


def reciprocal_ranks(k: int) -> Callable[[Hits], dict[str, float]]:
    """A function from hits to 1 / (k + rank), in thousandths.

    Examples:
        >>> reciprocal_ranks(9)([("a", 2.0), ("b", 1.5)])["a"]
        100.0
    """

    def share(hits: Hits) -> dict[str, float]:
        return {
            identifier: THOUSANDTHS / (k + rank) for rank, (identifier, _) in enumerate(hits, 1)
        }

    return share
