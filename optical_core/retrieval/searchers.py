"""Open searchers by name."""

from __future__ import annotations

from collections.abc import Callable

from optical_core.data.collection import Collection
from optical_core.models.pair import EncoderPair
from optical_core.models.pair_store import load_pair
from optical_core.retrieval.bm25 import BM25, LiveBM25
from optical_core.retrieval.glossed import Glossed, Glosses
from optical_core.retrieval.late_interaction import LateInteraction
from optical_core.retrieval.searcher import Searcher
from optical_core.retrieval.terms import terms_named
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
) -> Searcher:
    """Open a model's searcher of a collection.

    Args:
        name: `bm25`, perhaps with options (see `terms`), or a name or folder of a pair of encoders.
        collection: the collection to search.
        mode: of the store, see `open_store`; BM25 ignores it, and `engine` and `uri`.
        engine: of the store.
        uri: of the store.
        progress: show a progress bar while indexing?
        load: opens a pair of encoders by name.
        glossed: ask a student that has lexicons with glosses?

    Raises:
        InputError: there is no such model, or its store can't be opened.

    Examples:
        >>> from optical_core.data import open_collection
        >>> searcher = open_searcher("bm25", open_collection("demo"))
        >>> len(searcher.search("Why is the sea salty?", top=3))
        3
    """
    terms = terms_named(name, BM25.family, collection.info.passage_language)
    if terms is not None:
        return LiveBM25(collection, terms)
    pair = load(name)
    store = open_store(engine, uri, collection, pair.teacher, mode=mode, progress=progress)
    searcher = LateInteraction(pair, store)
    return Glossed(searcher, Glosses(pair.lexicons)) if glossed and pair.lexicons else searcher
