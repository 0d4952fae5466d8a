"""The collections and models of a server, loaded and indexed at its start."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from optical_core.data.collection import Collection, open_collection
from optical_core.data.languages import find_language, matching
from optical_core.errors import InputError
from optical_core.models.catalogue import list_models
from optical_core.models.pair_store import load_pair
from optical_core.retrieval.late_interaction import LateInteraction
from optical_core.retrieval.modes import check_mode
from optical_core.retrieval.pipeline import Pipeline
from optical_core.retrieval.searcher import Searcher
from optical_core.retrieval.searchers import open_searcher
from optical_core.retrieval.vector_stores import LOCAL
from optical_core.serve.schema import ServedCollection, ServedModel, Topics

logger = logging.getLogger(__name__)


class NotServedError(Exception):
    """The server doesn't know a name; the message lists those that it knows."""


@dataclass(frozen=True)
class Holdings:
    """The models and collections of a server.

    Attributes:
        models: name -> model.
        collections: name -> collection.
        searchers: (model, collection) -> searcher.

    Examples:
        >>> holdings = load_holdings(["demo"], ["bm25"])
        >>> holdings.searcher("bm25", "demo").search("salty sea", top=1) != []
        True
    """

    models: Mapping[str, ServedModel]
    collections: dict[str, Collection]
    searchers: Mapping[tuple[str, str], Searcher]

    def collection(self, name: str) -> Collection:
        """A collection by name, with its present passages.

        Raises:
            NotServedError: the name isn't served.
        """
        if name not in self.collections:
            raise NotServedError(_unknown("collection", name, self.collections))
        self.collections[name] = present = self.collections[name].refreshed()
        return present

    def searcher(self, model: str, collection: str) -> Searcher:
        """A model's searcher of a collection.

        Raises:
            NotServedError: one of the names isn't served.
        """
        self.collection(collection)
        if model not in self.models:
            raise NotServedError(_unknown("model", model, self.models))
        return self.searchers[model, collection]

    def topics(self, collection: str, code: str) -> Topics:
        """A collection's queries and judgements in one language, or in its only region (pt: pt-BR).

        Raises:
            NotServedError: the collection isn't served, has no queries in the language, or has
                them in several of its regions.
        """
        opened = self.collection(collection)
        found = matching(code, opened.languages) if (known := find_language(code)) else []
        if known and known.code in found:
            found = [known.code]
        if len(found) != 1:
            raise NotServedError(_unknown(f"{collection} language", code, opened.languages))
        return Topics(queries=opened.queries(found[0]), judgements=opened.qrels(found[0]))

    def described(self) -> list[ServedCollection]:
        """The collections as clients see them."""
        return [
            ServedCollection(
                name=name,
                description=opened.info.description,
                licence=opened.info.licence,
                languages=list(opened.languages),
                parallel=opened.info.parallel,
                passages=len(opened.by_id),
                passage_languages=opened.corpus.languages,
                fingerprint=opened.fingerprint,
            )
            for name, opened in ((name, self.collection(name)) for name in self.collections)
        ]


def load_holdings(
    collections: Sequence[str],
    models: Sequence[str],
    *,
    mode: str = "exact",
    engine: str = LOCAL,
    uri: str | None = None,
    device: str | None = None,
) -> Holdings:
    """Open every collection and model, and build missing indexes; the first time takes minutes.

    Args:
        collections: names or folders.
        models: names, folders or expressions, see `open_searcher`.
        mode: how indexes are searched, see `retrieval.modes`.
        engine: what keeps the token vectors, see `retrieval.vector_stores`; engines other than
            `local` must have them already.
        uri: where the engine keeps them.
        device: of the encoders.

    Raises:
        InputError: a name or the mode is unknown, or there are no names.

    Examples:
        >>> list(load_holdings(["demo"], ["bm25"]).models)
        ['bm25']
    """
    if not collections or not models:
        raise InputError("a server needs at least one collection and one model: name them")
    check_mode(mode)
    if engine == LOCAL and uri and len(collections) > 1:
        raise InputError(f"{uri} is the index of one collection: serve one, or leave --uri out")
    opened: dict[str, Collection] = {}
    for name in dict.fromkeys(collections):
        collection = open_collection(name)
        if collection.name in opened:
            raise InputError(f"two collections are called {collection.name!r}: serve one of them")
        opened[collection.name] = collection
    served: dict[str, ServedModel] = {}
    searchers: dict[tuple[str, str], Searcher] = {}
    store: dict[str, Any] = {"mode": mode, "engine": engine, "uri": uri, "progress": True}
    for name in dict.fromkeys(models):
        logger.info("loading %s", name)
        load = cache(partial(load_pair, device=device))
        of_model = {
            key: open_searcher(name, collection, load=load, device=device, **store)
            for key, collection in opened.items()
        }
        searchers |= {(name, key): searcher for key, searcher in of_model.items()}
        served[name] = _served(name, next(iter(of_model.values())))
    return Holdings(served, opened, searchers)


def _served(name: str, searcher: Searcher) -> ServedModel:
    entry = next((entry for entry in list_models() if entry.name == name), None)
    return ServedModel(
        name=name,
        kind=entry.kind if entry else _kind(searcher),
        languages=list(entry.languages) if entry else [],
        token_level=_has_vectors(searcher),
        explains=searcher.explains,
        scale=searcher.scale,
        joined=searcher.fuses,
        weights=searcher.weights,
    )


def _kind(searcher: Searcher) -> str:
    if searcher.expands and not isinstance(searcher, Pipeline):
        return "expansion"
    if searcher.fuses:
        return "pipeline"
    return "encoder" if _has_vectors(searcher) else "baseline"


def _has_vectors(searcher: Searcher) -> bool:
    return searcher.scale == LateInteraction.scale


def _unknown(kind: str, name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    return f"there is no {kind} {name!r} here; there is {', '.join(known)}"
