"""Library: everything that the app has opened, shared by all browser tabs.

Streamlit runs every browser tab in a thread of its own, and runs a page anew at each click. One
thread opens a thing while the others wait. What has changed on disk is opened again. Only one
thread encodes at a time, since fast tokenizers can't be shared.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from optical_core.analysis.measurements import Measurements
from optical_core.data.collection import Collection, installed_folders, open_collection
from optical_core.data.gold import GoldPair, read_gold
from optical_core.data.left_out import judgements_left_out
from optical_core.errors import InputError
from optical_core.models.embedded import is_converted
from optical_core.serve.client import Server
from optical_core.study.results import record_files
from optical_core.ui.descriptions import model_description
from optical_core.ui.evaluations import labelled_evaluations
from optical_core.ui.kept import Kept
from optical_core.ui.paths import typed_path
from optical_core.ui.search import joined
from optical_core.ui.search.ranking import Ranking
from optical_core.ui.search.served import ServedLibrary, server_address
from optical_core.ui.stamps import collection_stamp, file_stamp

# Modules that need torch are imported where they are used: a page that asks a server needs none.
if TYPE_CHECKING:
    from optical_core.models.catalogue import ModelEntry
    from optical_core.models.pair import EncoderPair
    from optical_core.retrieval.explain import Share, TokenMatch
    from optical_core.retrieval.searcher import Searcher

T = TypeVar("T")
logger = logging.getLogger(__name__)

LIMITS = {
    "pair": 6,
    "collection": 8,
    "searcher": 8,
    "gold pairs": 4,
    "evaluations": 1,
    "gap tables": 64,
    "predictor tables": 64,
    "process": 8,
    "server": 1,
}
"""Large kinds of things -> how many are kept."""


class Library:
    """Collections, models, searchers, gold files, evaluations, and what pages compute from them.

    Collections and models have the names of `optical collections` and `optical models`. Methods
    raise InputError for an unknown name, and for a file that can't be read.
    """

    def __init__(self, limits: Mapping[str, int] = LIMITS) -> None:
        self.encoding = threading.Lock()
        """A thread holds this lock while it encodes."""
        # Models are loaded one at a time: they share encoders, which should be read only once.
        self._loading = threading.Lock()
        self._kept = Kept(limits)

    def keep(
        self,
        kind: str,
        make: Callable[[], T],
        *,
        model: str = "",
        collection: str = "",
        key: Hashable = None,
    ) -> T:
        """Return what is made from a model, a collection or both; kept until one of them changes.

        Args:
            key: Tells apart things of one kind that are made from the same model and collection.
        """
        stamp = (
            self._model_stamp(model) if model else None,
            collection_stamp(self._folder(collection)) if collection else None,
        )
        return self._kept.get(kind, (model, collection, key), make, stamp=stamp)

    def close(self) -> None:
        """Close the connections and drop everything."""
        for server in self._kept.values("server"):
            server.close()
        self._kept.clear()

    # --- models

    def models(self) -> list[ModelEntry]:
        """The models known by name, the default student first."""
        from optical_core.models.catalogue import list_models, model_files

        def listed() -> list[ModelEntry]:
            return sorted(list_models(), key=lambda m: (not m.default, m.kind == "baseline"))

        stamp = tuple(file_stamp(file) for file in model_files())
        return self._kept.get("models", None, listed, stamp=stamp)

    def model_names(self, *, token_level: bool = False) -> list[str]:
        """Names of the models; with `token_level` only those that have token vectors."""
        models = self.models()
        return [m.name for m in models if not (token_level and m.kind in ("baseline", "fusion"))]

    def teacher_names(self) -> list[str]:
        """Names of what a student is distilled from: encoders of any language, and teachers."""
        return [
            m.name
            for m in self.models()
            if m.kind == "teacher" or (m.kind == "encoder" and not m.languages)
        ]

    def default_models(self) -> list[str]:
        """The models that a comparison starts with: undistilled, student, BM25."""
        from optical_core.models.backbones import EMBEDDED

        names = self.model_names()
        return [name for name in dict.fromkeys((EMBEDDED, names[0], "bm25")) if name in names]

    def description(self, name: str) -> str:
        """Describe a model in a few words."""
        kinds = {model.name: model.kind for model in self.models()}
        return model_description(name, joined.kind_of(name) or kinds.get(name, "encoder"))

    def explains(self, model: str) -> bool:
        """Can the model explain a score by its tokens, or by words?"""
        return joined.explains(model, self.model_names(token_level=True))

    joins = staticmethod(joined.is_joined)

    def pair(self, name: str) -> EncoderPair:
        """A model's pair of encoders, loaded."""

        def load() -> EncoderPair:
            from optical_core.models.pair_store import load_pair

            with self._loading:
                return load_pair(name)

        return self.keep("pair", load, model=name)

    def _model_stamp(self, name: str) -> Hashable:
        """A value that changes when the model, or one that it joins, is trained or fitted anew."""
        members = joined.members(name)
        folders = [m.folder for m in self.models() if m.name in members and m.folder]
        files = ("retriever.json", "teacher.json")
        stamps = [file_stamp(folder / file) for folder in folders for file in files]
        return joined.written_out(name), tuple(stamps)

    # --- collections

    def collection_names(self) -> list[str]:
        """Names of the installed collections, the demo first."""
        return list(self._folders())

    def _folders(self) -> dict[str, Path]:
        """The installed collections' folders by name. One that can't be read is left out."""
        folders: dict[str, Path] = {}
        for folder in installed_folders():
            name = self._kept.get(
                "name", folder, partial(_name, folder), stamp=collection_stamp(folder)
            )
            if name is not None:
                folders.setdefault(name, folder)
        return folders

    def _folder(self, name: str) -> Path:
        # Never a path: names come from addresses and from uploaded records.
        folder = self._folders().get(name)
        if folder is None:
            raise InputError(f"no collection {name!r:.80} is installed here")
        return folder

    def collection(self, name: str) -> Collection:
        """An installed collection, opened."""
        return self.keep("collection", lambda: open_collection(self._folder(name)), collection=name)

    def languages(self, name: str) -> Sequence[str]:
        """Codes of the languages that a collection has queries in."""
        return self.collection(name).languages

    def queries(self, name: str, code: str) -> Mapping[str, str]:
        """Query id -> text, for one language of a collection."""
        return self.keep(
            "queries", lambda: self.collection(name).queries(code), collection=name, key=code
        )

    def judged(self, name: str, code: str, query: str) -> Mapping[str, int]:
        """Passage id -> grade for a query; empty if the collection doesn't know the query."""
        try:
            return self.collection(name).qrels(code).get(query, {})
        except InputError:
            return {}

    def left_out(self, name: str) -> list[str]:
        """Sentences about the judgements of a collection that no measure counts."""
        return self.keep(
            "judgements left out",
            lambda: judgements_left_out(self.collection(name)),
            collection=name,
        )

    # --- searching

    def searched(self) -> Library | ServedLibrary:
        """The search page's source: the server named by `$OPTICAL_SERVER`, or this library."""
        address = server_address()
        if not address:
            return self
        return ServedLibrary(self._kept.get("server", address, lambda: Server(address)), self._kept)

    def is_prepared(self, name: str) -> bool:
        """Is the slow work done: is the encoder converted and the collection indexed?"""
        from optical_core.retrieval.indexing import has_index

        return is_converted() and has_index(self.collection(name))

    def searcher(self, model: str, name: str) -> Searcher:
        """A model on a collection, ready to search. Indexes the collection if necessary."""

        def ready() -> Searcher:
            from optical_core.retrieval.searchers import open_searcher

            searcher = open_searcher(model, self.collection(name), progress=True, load=self.pair)
            # The first search reads the index from disk. That time isn't search time.
            with self.encoding:
                searcher.search("a", top=1)
            return searcher

        return self.keep("searcher", ready, model=model, collection=name)

    def rank(self, model: str, name: str, query: str, top: int, where: str = "") -> Ranking:
        """Search passages `where` a condition holds, and time it. Kept: a rerun doesn't search."""

        def search() -> tuple[Ranking, float]:
            searcher, collection = self.searcher(model, name), self.collection(name)
            among = collection.corpus.matching(where) if where else None
            with self.encoding:
                begin = time.perf_counter()
                (asked,) = searcher.expanded(searcher.encode([query]), among=among)
                found = searcher.rank([asked], top=top, among=among)[0]
                end = time.perf_counter()
            hits = tuple(hit for hit in found if hit[0] in collection.by_id)
            return Ranking(hits, end - begin, collection.by_id, asked.gloss, asked.added), end

        started = time.perf_counter()
        key = (query, top, where)
        ranking, end = self.keep("ranking", search, model=model, collection=name, key=key)
        return replace(ranking, kept=end < started)

    def explanation(
        self, model: str, name: str, query: str, identifier: str, where: str = ""
    ) -> Sequence[TokenMatch]:
        """Token matches of one result, for a model that `explains`."""

        def matches() -> list[TokenMatch]:
            searcher, opened = self.searcher(model, name), self.collection(name)
            passage = opened.by_id.get(identifier)
            if passage is None:
                raise InputError(f"the passage {identifier} has just been deleted")
            among = opened.corpus.matching(where) if where else None
            with self.encoding:
                (asked,) = searcher.expanded(searcher.encode([query]), among=among)
                return searcher.explain(asked, [passage])[0]

        key = (query, identifier, where)
        return self.keep("explanation", matches, model=model, collection=name, key=key)

    def shares(
        self, model: str, name: str, query: str, passages: Sequence[str], where: str = ""
    ) -> Mapping[str, Sequence[Share]]:
        """Passage -> each part's share of its score, for a model that `joins` others."""
        return joined.shares_of(self, model, name, query, passages, where)

    # --- gold alignments and evaluations

    def gold_pairs(self, path: str) -> list[GoldPair]:
        """Pairs of a gold alignment file, by the path typed in the browser."""
        file = typed_path(path)
        return self._kept.get(
            "gold pairs", file, lambda: read_gold(str(file)), stamp=file_stamp(file)
        )

    def evaluations(self) -> dict[str, Measurements]:
        """Saved evaluations by label. A collection measured in two versions has two labels."""
        stamp = tuple(file_stamp(record) for record, _ in record_files())
        return self._kept.get("evaluations", None, labelled_evaluations, stamp=stamp)


def _name(folder: Path) -> str | None:
    try:
        return open_collection(folder).name
    except InputError as error:
        logger.warning("left out: %s", error)
        return None
