"""How good a word alignment is: AER against gold links."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

Link = tuple[int, int]


def plan_links(mass: np.ndarray, *, share: float = 0.5) -> set[Link]:
    """Links of a word-level plan (n, m): pairs that carry `share` of the lighter word's mass."""
    rows, columns = mass.sum(1, keepdims=True), mass.sum(0, keepdims=True)
    lighter = np.minimum(rows, columns)
    kept = (mass > 0) & (mass >= share * lighter)
    return {(int(i), int(j)) for i, j in zip(*np.nonzero(kept), strict=True)}


def alignment_error_rate(
    predicted: Collection[Link], sure: Collection[Link], possible: Collection[Link]
) -> float:
    """AER = 1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|) (Och and Ney 2003); 0 is perfect.

    `possible` holds the sure links too. 0 if there is neither a predicted nor a sure link.

    >>> alignment_error_rate({(0, 0), (1, 1)}, {(0, 0)}, {(0, 0), (1, 1)})
    0.0
    """
    found, certain, allowed = set(predicted), set(sure), set(possible) | set(sure)
    if not found and not certain:
        return 0.0
    hits = len(found & certain) + len(found & allowed)
    return 1 - hits / (len(found) + len(certain))
