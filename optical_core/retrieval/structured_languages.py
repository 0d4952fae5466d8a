"""Structured queries whose language isn't told: their words decide which lexicon is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optical_core.data.collection import Collection
from optical_core.data.lexicons import Lexicon, lexicon_hash, likeliest
from optical_core.data.trec import Hits
from optical_core.retrieval.bm25 import WORDS
from optical_core.retrieval.glossed import Glosses
from optical_core.retrieval.searcher import Query, Searcher
from optical_core.retrieval.structured_query import StructuredQueries
from optical_core.retrieval.terms import Terms


class StructuredLanguages(Searcher):
    """Structured queries in several languages, over a collection that may change.

    A query is asked with the lexicon that `Glosses.guess` finds; in a language without one, as it
    is.

    Examples:
        >>> from optical_core.data import open_collection
        >>> lexicons = {"sw": {"bahari": {"sea": 1.0}}, "so": {"badda": {"sea": 1.0}}}
        >>> searcher = StructuredLanguages(open_collection("demo"), lexicons)
        >>> searcher.search("bahari") == searcher.search("badda") == searcher.search("sea")
        True
    """

    def __init__(
        self, collection: Collection, lexicons: Mapping[str, Lexicon], terms: Terms = WORDS
    ) -> None:
        self._lexicons, self._terms = lexicons, terms
        self._glosses = Glosses({code: likeliest(lexicons[code]) for code in lexicons})
        counted = StructuredQueries(collection.passages(), {}, terms)
        self._counted = collection.refreshed(), counted
        self.name = counted.name

    @property
    def identity(self) -> str:
        lexicons = lexicon_hash(*(self._lexicons[code] for code in sorted(self._lexicons)))
        return f"psq {self._terms.identity} {lexicons}"

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        before, counted = self._counted
        present = before.refreshed()
        if present is not before:
            counted = StructuredQueries(present.passages(), {}, self._terms)
            self._counted = present, counted
        return [
            counted.asked_by(self._lexicon(query.text)).rank([query], top=top, among=among)[0]
            for query in queries
        ]

    def _lexicon(self, text: str) -> Lexicon:
        return self._lexicons.get(self._glosses.guess(text) or "", {})
