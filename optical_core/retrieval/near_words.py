"""Words that are spelled much like a word: other forms of it, or names and loans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

LEAST = 0.5
"""Least cosine of two words' character n-grams that makes them near."""
MOST = 8
"""Most near words of a word."""
SHORTEST = 4
"""Letters of the shortest word that is compared: shorter ones are near by chance."""


class NearWords:
    """Finds the words of a list that are near a word.

    Two words are compared by the cosine of their character n-grams (three to five, with the word's
    ends), weighted by inverse document frequency. An n-gram that no word of the list has counts as
    much as the rarest. Words with digits are near none.

    Examples:
        >>> near = NearWords(["mwanafunzi", "mwalimu", "bahari"])
        >>> [word for word, _ in near.nearest("wanafunzi")], near.nearest("chumvi")
        (['mwanafunzi'], [])
    """

    def __init__(self, known: Sequence[str]) -> None:
        """Index the words; they may be in any order, each once."""
        # scikit-learn takes a second to import, and most queries don't need it.
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.preprocessing import normalize

        self.words = [word for word in known if _comparable(word)]
        self._grams: Any = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 5), lowercase=False, binary=True, norm=None
        )
        self._vectors: Any = None
        if self.words:
            self._grams.fit(self.words)
            self._grams.idf_ = self._grams.idf_ - 1  # or common endings would count too much
            self._vectors = normalize(self._grams.transform(self.words))

    def nearest(self, word: str) -> list[tuple[str, float]]:
        """The near words with their cosines, nearest first; equals by the list's order."""
        if self._vectors is None or not _comparable(word):
            return []
        asked = self._grams.transform([word])
        unknown = len(set(self._grams.build_analyzer()(word))) - asked.nnz
        rarest = math.log((1 + len(self.words)) / 2)
        length = math.sqrt(float((asked.data**2).sum()) + unknown * rarest**2)
        products = (self._vectors @ asked.T).tocoo()
        near = [
            (-product / length, row)
            for row, product in zip(products.row.tolist(), products.data.tolist(), strict=True)
            if product >= LEAST * length
        ]
        return [(self.words[row], -cosine) for cosine, row in sorted(near)[:MOST]]


def _comparable(word: str) -> bool:
    return len(word) >= SHORTEST and not any(character.isdigit() for character in word)
