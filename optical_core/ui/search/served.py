"""ServedLibrary: collections and models of an `optical serve` server, for the search page."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from optical_core.data.corpus import Passage
from optical_core.errors import InputError
from optical_core.retrieval.explain import Added, Share, TokenMatch
from optical_core.serve.client import RemoteSearcher, Server
from optical_core.serve.schema import MOST_EXPLAINED, ServedCollection, ServedModel, Topics
from optical_core.ui.descriptions import model_description
from optical_core.ui.kept import Kept
from optical_core.ui.search.ranking import Ranking

SERVER = "OPTICAL_SERVER"
"""Environment variable: address of the search page's server, `http://host:port`."""


def server_address() -> str:
    """Address of the search page's server; empty if it has none."""
    return os.environ.get(SERVER, "").strip()


class ServedLibrary:
    """The part of a `Library` that the search page uses, answered by a server. Loads no model.

    A page makes a new one for each run, and asks once per run what the server offers. So it
    notices when another server takes its place. Large answers are kept by what they depend on.
    """

    def __init__(self, server: Server, kept: Kept) -> None:
        self._server, self._kept = server, kept

    def collection_names(self) -> list[str]:
        return list(self._collections)

    def is_prepared(self, collection_name: str) -> bool:
        return True  # a server answers only when all is loaded

    def languages(self, name: str) -> Sequence[str]:
        return self._collection(name).languages

    def passage_languages(self, name: str) -> Sequence[str]:
        """Codes of the languages that a collection's passages say."""
        return list(self._collection(name).passage_languages)

    def queries(self, name: str, code: str) -> Mapping[str, str]:
        return self._topics(name, code).queries

    def judged(self, collection_name: str, code: str, query: str) -> Mapping[str, int]:
        return self._topics(collection_name, code).judgements.get(query, {})

    def model_names(self) -> list[str]:
        return list(self._models)

    def default_models(self) -> list[str]:
        return self.model_names()[:3]

    def description(self, name: str) -> str:
        return model_description(name, self._model(name).kind)

    def explains(self, model: str) -> bool:
        return self._model(model).explains or self._model(model).token_level

    def scale(self, model: str) -> str:
        return self._model(model).scale

    def rank(
        self, model: str, collection_name: str, query: str, top: int, where: str = ""
    ) -> Ranking:
        searcher, most = self._searcher(model, collection_name), min(top, self._most_results)

        def search() -> tuple[Ranking, float]:
            begin = time.perf_counter()
            answer = searcher.answer(query, top=most, where=where)
            end = time.perf_counter()
            passages = {r.id: Passage(r.id, r.title, r.text, r.fields) for r in answer.results}
            hits = tuple((result.id, result.score) for result in answer.results)
            added = tuple(Added(term.text, term.weight) for term in answer.added)
            return Ranking(hits, end - begin, passages, answer.gloss, added), end

        asked = time.perf_counter()
        ranking, ended = self._kept.get("ranking", (searcher.identity, query, most, where), search)
        return replace(ranking, kept=ended < asked)

    def explanation(
        self, model: str, collection_name: str, query: str, identifier: str, where: str = ""
    ) -> Sequence[TokenMatch]:
        searcher = self._searcher(model, collection_name)
        ranking = self.rank(model, collection_name, query, 1000, where)
        best = [ranking.passages[passage] for passage, _ in ranking.hits[:MOST_EXPLAINED]]

        def matches() -> dict[str, list[TokenMatch]]:
            explained = searcher.explain_where(query, best, where)
            return {p.id: tokens for p, tokens in zip(best, explained, strict=True)}

        key = (searcher.identity, query, where)
        return self._kept.get("explanation", key, matches).get(identifier, ())

    def joins(self, model: str) -> bool:
        return self._model(model).joined

    def shares(
        self, model: str, collection_name: str, query: str, passages: Sequence[str], where: str = ""
    ) -> Mapping[str, Sequence[Share]]:
        searcher = self._searcher(model, collection_name)
        found = self.rank(model, collection_name, query, 1000, where).passages
        asked = [found[passage] for passage in passages[:MOST_EXPLAINED]]

        def shares() -> dict[str, list[Share]]:
            told = searcher.shares_where(query, asked, where)
            return {passage.id: of_one for passage, of_one in zip(asked, told, strict=True)}

        key = (searcher.identity, query, tuple(passages), where)
        return self._kept.get("shares", key, shares)

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

    def _model(self, name: str) -> ServedModel:
        if name not in self._models:
            raise InputError(f"the server has no model {name!r}")
        return self._models[name]

    def _searcher(self, model: str, collection: str) -> RemoteSearcher:
        return RemoteSearcher(self._server, self._model(model), self._collection(collection))

    def _topics(self, name: str, code: str) -> Topics:
        key = (self._server.address, name, self._collection(name).fingerprint, code)
        return self._kept.get("topics", key, lambda: self._server.topics(name, code))
