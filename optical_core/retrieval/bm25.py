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

from optical_core.data.collection import Passage
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

    def rank(self, queries: Sequence[Query], *, top: int = 10) -> list[Hits]:
        return [self._ranked(query.text, top) for query in queries]

    def _ranked(self, query: str, top: int) -> Hits:
        known = [word for word in words(query) if word in self._known]
        if not known:
            return []
        scores = np.asarray(self._scorer.get_scores(known))
        return best_first(((self.ids[p], scores[p]) for p in np.flatnonzero(scores > 0)), top)
