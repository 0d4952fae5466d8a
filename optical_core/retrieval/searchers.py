"""Open searchers by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from optical_core.data.collection import Collection
from optical_core.data.lexicons import lexicons_of, likeliest
from optical_core.errors import InputError
from optical_core.models.backbones import check_encoder
from optical_core.models.info import is_student
from optical_core.models.pair import EncoderPair
from optical_core.models.pair_store import load_pair
from optical_core.models.teachers import teacher_folder
from optical_core.retrieval.bm25 import BM25, LiveBM25
from optical_core.retrieval.cross_encoder import CrossEncoding, is_cross_encoder
from optical_core.retrieval.expanding import check_expansions
from optical_core.retrieval.expression_reader import parse
from optical_core.retrieval.expressions import names
from optical_core.retrieval.glossed import Glossed, Glosses
from optical_core.retrieval.late_interaction import LateInteraction
from optical_core.retrieval.model_names import expanded, model_and_source
from optical_core.retrieval.pipelines import assembled
from optical_core.retrieval.searcher import Searcher
from optical_core.retrieval.structured_languages import StructuredLanguages
from optical_core.retrieval.structured_query import StructuredQueries
from optical_core.retrieval.terms import Terms, is_of, terms_named
from optical_core.retrieval.vector_stores import LOCAL, open_store


def open_searcher(
    name: str,
    collection: Collection,
    *,
    mode: str = "exact",
    engine: str = LOCAL,
    uri: str | None = None,
    progress: bool = False,
    load: Callable[[str], EncoderPair] = load_pair,
    glossed: bool = True,
    device: str | None = None,
) -> Searcher:
    """Open a model's searcher of a collection.

    Args:
        name: `bm25`, perhaps with options (see `terms`), a name or folder of a pair of encoders,
            `NAME@FOLDER` with lexicons in FOLDER, a stored fusion, or an expression of these (see
            `expression_reader`).
        collection: the collection to search.
        mode: of the store, see `open_store`; models without token vectors ignore it, and `engine`
            and `uri`.
        engine: of the store.
        uri: of the store.
        progress: show a progress bar while indexing?
        load: opens a pair of encoders by name.
        glossed: ask a student that has lexicons with glosses?
        device: of cross-encoders; None for the best there is.

    Raises:
        InputError: there is no such model, or its store can't be opened.

    Examples:
        >>> from optical_core.data import open_collection
        >>> demo = open_collection("demo")
        >>> len(open_searcher("bm25", demo).search("Why is the sea salty?", top=3))
        3
        >>> len(open_searcher("bm25%20>>rrf(bm25,bm25%5)", demo).search("salty sea", top=30))
        20
    """

    node = expanded(parse(name))
    check_expansions(node)
    opening = _Opening(collection, mode, engine, uri, progress, load, glossed, device)
    return assembled(node, cache(opening.single), collection)


def check_models(name: str) -> None:
    """Check that there are the models of a name or expression, without opening them.

    Raises:
        InputError: one is unknown.

    Examples:
        >>> check_models("bm25%100>>embedded")
    """
    for single in names(expanded(parse(name))):
        model, _ = model_and_source(single)
        of_words = any(is_of(model, kind.family) for kind in (BM25, StructuredQueries))
        known = is_student(model) or teacher_folder(model)
        if not (of_words or known or is_cross_encoder(single)):
            check_encoder(model)


@dataclass(frozen=True)
class _Opening:
    """How single models are opened; the attributes are arguments of `open_searcher`."""

    collection: Collection
    mode: str
    engine: str
    uri: str | None
    progress: bool
    load: Callable[[str], EncoderPair]
    glossed: bool
    device: str | None

    def single(self, name: str) -> Searcher:
        """Open a model that is no expression."""
        if is_cross_encoder(name):
            return CrossEncoding(name, self.collection, device=self.device)
        model, source = model_and_source(name)
        if source is None:
            return self._plain(model, glossed=self.glossed)
        lexicons = lexicons_of(Path(source))
        if not lexicons:
            raise InputError(
                f"{name}: {source} is no folder of lexicons, and translations are only there of a "
                "collection's own queries: `optical evaluate` and studies ask them"
            )
        terms = self._terms(model, StructuredQueries.family)
        if terms is not None:
            return StructuredLanguages(self.collection, lexicons, terms)
        best = {code: likeliest(lexicon) for code, lexicon in lexicons.items()}
        return Glossed(self._plain(model, glossed=False), Glosses(best))

    def _terms(self, name: str, family: str) -> Terms | None:
        return terms_named(name, family, self.collection.info.passage_language)

    def _plain(self, name: str, *, glossed: bool) -> Searcher:
        terms = self._terms(name, BM25.family)
        if terms is not None:
            return LiveBM25(self.collection, terms)
        pair = self.load(name)
        store = open_store(
            self.engine,
            self.uri,
            self.collection,
            pair.teacher,
            mode=self.mode,
            progress=self.progress,
        )
        searcher = LateInteraction(pair, store)
        if not glossed or not pair.lexicons:
            return searcher
        return Glossed(searcher, Glosses(pair.lexicons, unfamiliar=pair.unfamiliar))
