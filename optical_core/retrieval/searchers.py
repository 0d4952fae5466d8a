"""Searchers by name: how every one is opened."""

from __future__ import annotations

from collections.abc import Callable

from optical_core.data.collection import Collection
from optical_core.models.pair import EncoderPair
from optical_core.models.pair_store import load_pair
from optical_core.retrieval.bm25 import BM25
from optical_core.retrieval.glossed import Glossed, Glosses
from optical_core.retrieval.late_interaction import LateInteraction
from optical_core.retrieval.searcher import Searcher
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
    """A model's searcher of a collection; mode, engine and uri are its store's, see `open_store`.

    BM25 has no store of vectors, so these mean nothing to it. `load` opens the other models.
    `glossed`: is a student that has lexicons asked with glosses?
    """
    if name == BM25.name:
        return BM25(collection.passages())
    pair = load(name)
    store = open_store(engine, uri, collection, pair.teacher, mode=mode, progress=progress)
    searcher = LateInteraction(pair, store)
    return Glossed(searcher, Glosses(pair.lexicons)) if glossed and pair.lexicons else searcher
