"""Translate-then-retrieve: the same model, asked in English.

A model is named `NAME@SOURCE`. `bm25@human` asks the collection's own English queries, a human
translation and so the ceiling of any translator. `embedded@FOLDER` asks the translations in FOLDER,
one file `<language>.jsonl` ({"_id", "text"}) a query language, as `optical translate` writes them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from optical_core.checksums import check_noted, replace_noted
from optical_core.data.collection import Collection, Passage
from optical_core.data.language_files import file_of
from optical_core.data.languages import is_english, language
from optical_core.data.lines import read_queries, write_jsonl
from optical_core.data.trec import Hits
from optical_core.errors import InputError
from optical_core.paths import check_apart
from optical_core.retrieval.explain import TokenMatch
from optical_core.retrieval.searcher import Query, Searcher

if TYPE_CHECKING:
    from optical_core.models.translator import Translator

HUMAN = "human"


def asked_queries(collection: Collection, code: str, source: str | None) -> dict[str, str]:
    """List query id -> text as it is asked: in its own language, or translated to English.

    Raises:
        InputError: there are no English queries or translations, or they lack a query.
    """
    queries = collection.queries(code)
    if source is None:
        return queries
    if source == HUMAN:
        if collection.english is None:
            raise InputError(f"{collection.name} has no English queries to stand for translations")
        where = f"the English queries of {collection.name}"
        english = collection.queries(collection.english)
    else:
        path = file_of(Path(source), code, ".jsonl")
        if path is None and is_english(code):
            return queries
        if path is None:
            raise InputError(
                f"no translations of the {language(code).name} queries: "
                f"{Path(source) / f'{code}.jsonl'} was expected"
            )
        check_noted(path)
        where, english = str(path), read_queries(path)
    missing = [query for query in queries if query not in english]
    if missing:
        raise InputError(f"{where} lack the query {missing[0]!r} ({len(missing)} in all)")
    return {query: english[query] for query in queries}


class Translated(Searcher):
    """Another searcher that is asked translations, in a pipeline whose other parts aren't.

    Examples:
        >>> from optical_core.data import Passage
        >>> from optical_core.retrieval import BM25
        >>> bm25 = BM25([Passage("p1", "", "the sea"), Passage("p2", "", "the moon")])
        >>> searcher = Translated(bm25, {"bahari": "sea"})
        >>> searcher.search("bahari") == bm25.search("sea")
        True
    """

    def __init__(self, searcher: Searcher, english: Mapping[str, str]) -> None:
        """Ask translations.

        Args:
            searcher: who is asked.
            english: a query as typed -> its translation.
        """
        self.searcher, self.english = searcher, english
        self.name, self.weights = searcher.name, searcher.weights
        self.explains = searcher.explains

    @property
    def core(self) -> Searcher:
        return self.searcher.core

    @property
    def identity(self) -> str:
        text = json.dumps(self.english, ensure_ascii=False, sort_keys=True)
        digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        return f"{self.searcher.identity} translated {digest}"

    def encode(self, queries: Sequence[str]) -> list[Query]:
        return self.searcher.encode([self.english[query] for query in queries])

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        return self.searcher.rank(queries, top=top, among=among)

    def explain(self, query: Query, passages: Sequence[Passage]) -> list[list[TokenMatch]]:
        return self.searcher.explain(query, passages)


def translate_queries(
    collection: Collection, translator: Translator, languages: Sequence[str], out: Path
) -> list[Path]:
    """Write the queries in English as `OUT/<language>.jsonl`; files that exist are kept.

    Args:
        collection: has the queries.
        translator: to English.
        languages: of the queries.
        out: the folder to write.

    Returns:
        The files, in the order of the languages.

    Raises:
        InputError: the collection or the translator lacks a language.

    Examples:
        >>> from optical_core.data.collection import open_collection
        >>> from optical_core.models import Translator
        >>> translator = Translator.load("facebook/nllb-200-distilled-600M")  # doctest: +SKIP
        >>> translate_queries(  # doctest: +SKIP
        ...     open_collection("demo"), translator, ["so"], Path("translations")
        ... )
    """
    check_apart(out, [collection.folder / "queries"])
    written = []
    for code in collection.select(languages):
        path = out / f"{code}.jsonl"
        queries = collection.queries(code)
        if not path.exists():
            texts = translator.translate(list(queries.values()), code)
            pairs = zip(queries, texts, strict=True)
            with replace_noted(path) as temporary:
                write_jsonl(temporary, ({"_id": query, "text": text} for query, text in pairs))
        written.append(path)
    return written
