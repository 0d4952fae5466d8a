"""Word aligners: links of a transport plan, and what it is compared with.

Each gives a matrix (n, m) of bool, true where two tokens (or words) are linked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optical_core.analysis.alignment_error import Link


def plan_links(mass: np.ndarray, *, share: float = 0.5) -> np.ndarray:
    """(n, m) bool of a plan between words: pairs with `share` of the lighter word's mass."""
    rows, columns = mass.sum(1, keepdims=True), mass.sum(0, keepdims=True)
    return (mass > 0) & (mass >= share * np.minimum(rows, columns))


def mutual_argmax(similarity: np.ndarray) -> np.ndarray:
    """(n, m) bool: tokens that are each other's most similar one (SimAlign's argmax).

    After Jalili Sabet et al. 2020, section 3.1. Ties go to the first.
    """
    if not similarity.size:
        return np.zeros(similarity.shape, bool)
    rows, columns = similarity.argmax(1), similarity.argmax(0)
    links = np.zeros(similarity.shape, bool)
    mutual = columns[rows] == np.arange(len(rows))
    links[np.flatnonzero(mutual), rows[mutual]] = True
    return links


def itermax(similarity: np.ndarray, *, rounds: int = 2, discount: float = 0.9) -> np.ndarray:
    """(n, m) bool: mutual argmax again and again (Jalili Sabet et al. 2020, section 3.2).

    From the second round on, pairs of two linked tokens are out, and pairs of a linked and a free
    token count `discount` of their similarity, which is taken from [-1, 1] to [0, 1] for that. As
    in the authors' code (github.com/cisnlp/simalign), there is no second round once a side is
    linked whole, nor where a side has two tokens or fewer.
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
    """(n, m) bool: pairs whose probability is above `threshold` in both directions.

    `products` are dot products of vectors as they are, not of unit ones (awesome-align; Dou and
    Neubig 2021, section 2.2).
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
    """Links by the words' own numbers: two words are linked if any of their tokens are.

    `source_words` (n,) and `target_words` (m,) say which word each row and column belongs to.
    """
    return {(source_words[i], target_words[j]) for i, j in zip(*np.nonzero(links), strict=True)}
