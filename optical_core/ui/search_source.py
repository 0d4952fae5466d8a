"""Where the search page's rankings come from: this process, or a server of `optical serve`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Protocol

from optical_core.data.collection import Passage
from optical_core.errors import InputError
from optical_core.retrieval.explain import TokenMatch
from optical_core.serve.client import RemoteSearcher, Server
from optical_core.serve.schema import ServedCollection, ServedModel, Topics

_GLOSS = {
    "embedded": "multilingual-e5-small, undistilled",
    "bm25": "BM25 on the words as typed",
}


def gloss_of(name: str, kind: str) -> str:
    """What a model of a kind is, in a few words."""
    return _GLOSS.get(name, "distilled student" if kind == "student" else "encoder")


@dataclass(frozen=True)
class Ranking:
    """What one model found: (passage id, score) best first, and how long the search took."""

    hits: tuple[tuple[str, float], ...]
    seconds: float
    passages: Mapping[str, Passage]
    """By id, at least those that were found."""
    kept: bool = False
    """Was it searched before, and is this the answer that was kept?"""

    @property
    def ranks(self) -> dict[str, int]:
        return {identifier: rank for rank, (identifier, _) in enumerate(self.hits, 1)}


class SearchSource(Protocol):
    """What the search page asks. The module `loaders` answers it from this process."""

    def collection_names(self) -> list[str]: ...

    def is_prepared(self, collection_name: str) -> bool: ...

    def languages(self, name: str) -> Sequence[str]: ...

    def queries(self, name: str, code: str) -> Mapping[str, str]: ...

    def find_query(self, name: str, text: str) -> tuple[str, str] | None: ...

    def judged(self, collection_name: str, code: str, query: str) -> Mapping[str, int]: ...

    def model_names(self) -> list[str]: ...

    def default_models(self) -> list[str]: ...

    def gloss(self, name: str) -> str: ...

    def rank(self, model: str, collection_name: str, query: str, top: int) -> Ranking: ...

    def explanation(
        self, model: str, collection_name: str, query: str, identifier: str
    ) -> tuple[TokenMatch, ...]: ...


class RemoteSource:
    """A `SearchSource` that asks a server; no model is loaded here.

    Made anew for each run of a page: what a server offers is asked once a run, so that a server
    started in another's place is noticed. Large answers are kept by what they depend on.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    def collection_names(self) -> list[str]:
        return list(self._collections)

    def is_prepared(self, collection_name: str) -> bool:
        return True  # a server answers only when all is loaded

    def languages(self, name: str) -> Sequence[str]:
        return self._collection(name).languages

    def queries(self, name: str, code: str) -> Mapping[str, str]:
        return _topics(self._server, name, self._collection(name).fingerprint, code).queries

    def find_query(self, name: str, text: str) -> tuple[str, str] | None:
        wanted = text.strip()
        for code in self.languages(name):
            for identifier, query in self.queries(name, code).items():
                if query == wanted:
                    return code, identifier
        return None

    def judged(self, collection_name: str, code: str, query: str) -> Mapping[str, int]:
        version = self._collection(collection_name).fingerprint
        found = _topics(self._server, collection_name, version, code)
        return found.judgements.get(query, {})

    def model_names(self) -> list[str]:
        return list(self._models)

    def default_models(self) -> list[str]:
        return self.model_names()[:3]

    def gloss(self, name: str) -> str:
        entry = self._models.get(name)
        return gloss_of(name, entry.kind if entry else "encoder")

    def rank(self, model: str, collection_name: str, query: str, top: int) -> Ranking:
        asked = time.perf_counter()
        found, ended = _rank(
            self._pair(model, collection_name), query, min(top, self._most_results)
        )
        return replace(found, kept=ended < asked)

    def explanation(
        self, model: str, collection_name: str, query: str, identifier: str
    ) -> tuple[TokenMatch, ...]:
        return tuple(_explain(self._pair(model, collection_name), query).get(identifier, ()))

    @cached_property
    def _collections(self) -> dict[str, ServedCollection]:
        return {entry.name: entry for entry in self._server.collections()}

    @cached_property
    def _models(self) -> dict[str, ServedModel]:
        return {entry.name: entry for entry in self._server.models()}

    @cached_property
    def _most_results(self) -> int:
        return self._server.health().most_results

    def _collection(self, name: str) -> ServedCollection:
        if name not in self._collections:
            raise InputError(f"the server has no collection {name!r}")
        return self._collections[name]

    def _pair(self, model: str, collection: str) -> _Pair:
        served = self._models.get(model)
        weights = served.weights if served else ""
        version = self._collection(collection).fingerprint
        return _Pair(self._server, model, weights, collection, version)


@dataclass(frozen=True)
class _Pair:
    """A model on a collection, with the version of each: what an answer depends on."""

    server: Server
    model: str
    weights: str
    collection: str
    fingerprint: str

    @property
    def searcher(self) -> RemoteSearcher:
        return RemoteSearcher(self.server, self.model, self.collection)


@lru_cache(maxsize=64)
def _topics(server: Server, name: str, fingerprint: str, code: str) -> Topics:
    return server.topics(name, code)


@lru_cache(maxsize=64)
def _rank(pair: _Pair, query: str, top: int) -> tuple[Ranking, float]:
    """A ranking, and the time of the process's clock when it was there."""
    begin = time.perf_counter()
    results = pair.searcher.answer(query, top=top).results
    end = time.perf_counter()
    ranking = Ranking(
        tuple((result.id, result.score) for result in results),
        end - begin,
        {result.id: Passage(result.id, result.title, result.text) for result in results},
    )
    return ranking, end


@lru_cache(maxsize=64)
def _explain(pair: _Pair, query: str) -> Mapping[str, Sequence[TokenMatch]]:
    return pair.searcher.explain(query)
