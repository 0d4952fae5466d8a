"""Word aligners: links from a transport plan, and from the aligners it is compared with.

Each returns a matrix (n, m) of bool, true where two tokens (or words) are linked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optical_core.analysis.alignment_error import Link


def plan_links(mass: np.ndarray, *, share: float = 0.5) -> np.ndarray:
    """Link two words if they share at least `share` of the lighter word's mass.

    Args:
        mass: (n, m), a plan between words.
        share: of the mass.

    Returns:
        (n, m) bool.

    Examples:
        >>> plan_links(np.array([[0.4, 0.1], [0.0, 0.5]])).tolist()
        [[True, False], [False, True]]
    """
    rows, columns = mass.sum(1, keepdims=True), mass.sum(0, keepdims=True)
    return (mass > 0) & (mass >= share * np.minimum(rows, columns))


def mutual_argmax(similarity: np.ndarray) -> np.ndarray:
    """Link tokens that are each other's most similar (SimAlign's argmax).

    Source: Jalili Sabet et al. 2020, section 3.1. The first token wins a tie.

    Args:
        similarity: (n, m).

    Returns:
        (n, m) bool.

    Examples:
        >>> mutual_argmax(np.array([[0.9, 0.2], [0.8, 0.3]])).tolist()
        [[True, False], [False, False]]
    """
    if not similarity.size:
        return np.zeros(similarity.shape, bool)
    rows, columns = similarity.argmax(1), similarity.argmax(0)
    links = np.zeros(similarity.shape, bool)
    mutual = columns[rows] == np.arange(len(rows))
    links[np.flatnonzero(mutual), rows[mutual]] = True
    return links


def itermax(similarity: np.ndarray, *, rounds: int = 2, discount: float = 0.9) -> np.ndarray:
    """Repeat the mutual argmax (Jalili Sabet et al. 2020, section 3.2).

    From the second round on, a pair of two linked tokens is out, and the similarity of a linked
    and a free token is multiplied by `discount`. Similarities are first mapped from [-1, 1] to
    [0, 1]. As in the authors' code (github.com/cisnlp/simalign), there is no second round if a side
    is completely linked or has at most two tokens.

    Args:
        similarity: (n, m), cosines.
        rounds: at most.
        discount: from 0 to 1.

    Returns:
        (n, m) bool.

    Examples:
        >>> cosines = np.array([[0.9, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.1, 0.7]])
        >>> itermax(cosines).astype(int).tolist()
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    """
    positive = (similarity + 1) / 2
    links = mutual_argmax(positive)
    for _ in range(rounds - 1):
        row = np.asarray(links.any(axis=1))
        column = np.asarray(links.any(axis=0))
        if min(links.shape) <= 2 or row.all() or column.all():
            break
        weight = np.where(
            row[:, None] & column, 0.0, np.where(row[:, None] | column, discount, 1.0)
        )
        more = mutual_argmax(positive * weight) & (weight > 0)
        if not (more & ~links).any():
            break
        links |= more
    return links


def softmax_intersection(products: np.ndarray, *, threshold: float = 1e-3) -> np.ndarray:
    """Link pairs whose probability is above `threshold` in both directions.

    Source: awesome-align (Dou and Neubig 2021, section 2.2).

    Args:
        products: (n, m), dot products of vectors that aren't brought to unit length.
        threshold: of a softmax over a row, and over a column.

    Returns:
        (n, m) bool.

    Examples:
        >>> softmax_intersection(np.array([[20.0, 0.0], [0.0, 20.0]])).tolist()
        [[True, False], [False, True]]
    """
    if not products.size:
        return np.zeros(products.shape, bool)

    def softmax(values: np.ndarray, axis: int) -> np.ndarray:
        shifted = np.exp(values - values.max(axis, keepdims=True))
        return shifted / shifted.sum(axis, keepdims=True)

    return (softmax(products, 1) > threshold) & (softmax(products, 0) > threshold)


def word_links(
    links: np.ndarray, source_words: Sequence[int], target_words: Sequence[int]
) -> set[Link]:
    """Link two words if any of their tokens are linked.

    Args:
        links: (n, m) bool, between tokens.
        source_words: (n,), the word that each row belongs to.
        target_words: (m,), the word that each column belongs to.

    Returns:
        (source word, target word) of each link.

    Examples:
        >>> word_links(np.array([[True], [True]]), [0, 0], [3])
        {(0, 3)}
    """
    return {(source_words[i], target_words[j]) for i, j in zip(*np.nonzero(links), strict=True)}
