"""BM25 on the query as typed (bm25s), with words by Unicode's rules.

bm25s' own tokeniser splits Indic words at their vowel signs, and its stop words are English. Here
a word is a run of letters, marks and digits of any script; there are no stop words or stemming.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

import bm25s
import numpy as np

from optical_core.data.collection import Collection, Passage
from optical_core.data.trec import Hits, best_first
from optical_core.retrieval.searcher import Query, Searcher

# The library sets its logger to DEBUG on import, and would log every build.
logging.getLogger("bm25s").setLevel(logging.WARNING)


def words(text: str) -> list[str]:
    """Words in lower case: letters with their marks, and digits; apostrophes stay inside.

    Examples:
        >>> words("सूर्य ग्रहण, 2024: Mo̱ ń lọ; ng'ombe")
        ['सूर्य', 'ग्रहण', '2024', 'mo̱', 'ń', 'lọ', "ng'ombe"]
    """
    folded = unicodedata.normalize("NFC", text).casefold()
    return word_pattern().findall(folded)


@lru_cache(maxsize=1)
def word_pattern() -> re.Pattern[str]:
    """The pattern of a word, in NFC text."""
    # Python's \w knows letters and digits but not combining marks (vowel signs, tone marks).
    marks = "".join(
        chr(code) for code in range(0x300, 0x1E000) if unicodedata.category(chr(code))[0] == "M"
    )
    joiners = "\u200c\u200d"
    inside = rf"[\w{marks}{joiners}]"
    return re.compile(rf"{inside}+(?:['’ʼ]{inside}+)*")


def eligible_passages(ids: Sequence[str], among: frozenset[str] | None) -> np.ndarray:
    """Which passages may be found (P,), as truth values."""
    if among is None:
        return np.ones(len(ids), bool)
    return np.fromiter((identifier in among for identifier in ids), bool, len(ids))


class BM25(Searcher):
    """Lucene's BM25 (k1 1.5, b 0.75) over a collection's passages, in memory.

    Passages that share no word with the query are left out.

    Examples:
        >>> bm25 = BM25([Passage("p1", "", "The sea is salty."), Passage("p2", "", "Dry sand")])
        >>> [identifier for identifier, _ in bm25.search("salty water")]
        ['p1']
    """

    name = "bm25"
    identity = f"bm25s {bm25s.__version__}"

    def __init__(self, passages: Iterable[Passage]) -> None:
        self.ids: list[str] = []
        tokens = []
        for passage in passages:
            self.ids.append(passage.id)
            tokens.append(words(passage.full_text))
        self._known = {word for document in tokens for word in document}
        self._scorer = bm25s.BM25(method="lucene")
        self._scorer.index(tokens, show_progress=False)

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        eligible = eligible_passages(self.ids, among)
        return [self._ranked(query.text, top, eligible) for query in queries]

    def _ranked(self, query: str, top: int, eligible: np.ndarray) -> Hits:
        known = [word for word in words(query) if word in self._known]
        if not known:
            return []
        scores = np.asarray(self._scorer.get_scores(known)) * eligible
        return best_first(((self.ids[p], scores[p]) for p in np.flatnonzero(scores > 0)), top)


class LiveBM25(Searcher):
    """BM25 over a collection that may change: its words are counted anew when it has.

    Examples:
        >>> from optical_core.data import open_collection
        >>> len(LiveBM25(open_collection("demo")).search("Why is the sea salty?", top=3))
        3
    """

    name = BM25.name
    identity = BM25.identity

    def __init__(self, collection: Collection) -> None:
        self._counted = collection.refreshed(), BM25(collection.passages())

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        before, bm25 = self._counted
        present = before.refreshed()
        if present is not before:
            bm25 = BM25(present.passages())
            self._counted = present, bm25
        return bm25.rank(queries, top=top, among=among)
