"""Library: everything that the app has opened, opened once for all who look at it.

Streamlit runs every browser tab in a thread of its own, and a page anew at each click. One thread
opens, the others wait; what has changed on disk is opened again. One thread at a time encodes,
since fast tokenizers can't be shared.
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
from optical_core.errors import InputError
from optical_core.models.embedded import is_converted
from optical_core.serve.client import Server
from optical_core.study.results import find_results, record_files, study_label
from optical_core.ui.gloss import gloss_of
from optical_core.ui.kept import Kept
from optical_core.ui.paths import typed_path
from optical_core.ui.search.ranking import Ranking
from optical_core.ui.search.served import ServedLibrary, server_address

# What needs torch is imported where it is used: a search page that asks a server doesn't.
if TYPE_CHECKING:
    from optical_core.models.catalogue import ModelEntry
    from optical_core.models.pair import EncoderPair
    from optical_core.retrieval.explain import TokenMatch
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
    "server": 1,
}
"""How many are kept of the kinds of things that are large."""


class Library:
    """Collections, models, searchers, gold files, evaluations, and what pages compute of them.

    Collections and models go by the names of `optical collections` and `optical models`. Methods
    raise InputError for a name that there isn't, and for what can't be read.
    """

    def __init__(self, limits: Mapping[str, int] = LIMITS) -> None:
        self.encoding = threading.Lock()
        """Held by whoever encodes."""
        # Models are loaded one at a time: they share encoders, which must not be read twice.
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
        """What is made of a model, a collection or both; made again when one of them has changed.

        key: tells things of a kind apart that are made of the same.
        """
        stamp = (
            self._model_stamp(model) if model else None,
            _collection_stamp(self._folder(collection)) if collection else None,
        )
        return self._kept.get(kind, (model, collection, key), make, stamp=stamp)

    def close(self) -> None:
        """Let everything go."""
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
        """Names of the models; with `token_level` those that have token vectors."""
        models = self.models()
        return [m.name for m in models if not (token_level and m.kind == "baseline")]

    def default_models(self) -> list[str]:
        """Undistilled, student, BM25: what a comparison starts with."""
        from optical_core.models.backbones import EMBEDDED

        names = self.model_names()
        return [name for name in dict.fromkeys((EMBEDDED, names[0], "bm25")) if name in names]

    def gloss(self, name: str) -> str:
        """What a model is, in a few words."""
        kinds = {model.name: model.kind for model in self.models()}
        return gloss_of(name, kinds.get(name, "encoder"))

    def explains(self, model: str) -> bool:
        """Can a model say which tokens make up a score?"""
        return model in self.model_names(token_level=True)

    def pair(self, name: str) -> EncoderPair:
        """A model's encoders, loaded."""

        def load() -> EncoderPair:
            from optical_core.models.pair_store import load_pair

            with self._loading:
                return load_pair(name)

        return self.keep("pair", load, model=name)

    def _model_stamp(self, name: str) -> Hashable:
        """Changes when a model of this name is trained anew."""
        folder = next((model.folder for model in self.models() if model.name == name), None)
        if folder is None:
            return None
        return file_stamp(folder / "retriever.json"), file_stamp(folder / "teacher.json")

    # --- collections

    def collection_names(self) -> list[str]:
        """Names of the installed collections, the demo first."""
        return list(self._folders())

    def _folders(self) -> dict[str, Path]:
        """The installed collections' folders by name; one that can't be read is left out."""
        folders: dict[str, Path] = {}
        for folder in installed_folders():
            name = self._kept.get(
                "name", folder, partial(_name, folder), stamp=_collection_stamp(folder)
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
        """Codes of the languages in which a collection has queries."""
        return self.collection(name).languages

    def queries(self, name: str, code: str) -> Mapping[str, str]:
        """Query id -> text of one language of a collection."""
        return self.keep(
            "queries", lambda: self.collection(name).queries(code), collection=name, key=code
        )

    def judged(self, name: str, code: str, query: str) -> Mapping[str, int]:
        """Grades of a query's judged passages; empty if the collection doesn't know the query."""
        try:
            return self.collection(name).qrels(code).get(query, {})
        except InputError:
            return {}

    def unknown_judgements(self, name: str) -> int:
        """How many judgements of a collection are of passages that it lacks."""
        return self.keep(
            "unknown judgements",
            lambda: self.collection(name).unknown_judgements(),
            collection=name,
        )

    # --- searching

    def searched(self) -> Library | ServedLibrary:
        """What the search page asks: the server that `$OPTICAL_SERVER` names, or this library."""
        address = server_address()
        if not address:
            return self
        return ServedLibrary(self._kept.get("server", address, lambda: Server(address)), self._kept)

    def is_prepared(self, name: str) -> bool:
        """Is everything that takes a minute done: the encoder converted, the collection indexed?"""
        from optical_core.retrieval.indexing import has_index

        return is_converted() and has_index(self.collection(name))

    def searcher(self, model: str, name: str) -> Searcher:
        """A model on a collection, ready to search; indexes it where that hasn't been done."""

        def ready() -> Searcher:
            from optical_core.retrieval.searchers import open_searcher

            searcher = open_searcher(model, self.collection(name), progress=True, load=self.pair)
            # The first search reads the index from disk: that is opening it, not searching.
            with self.encoding:
                searcher.search("a", top=1)
            return searcher

        return self.keep("searcher", ready, model=model, collection=name)

    def rank(self, model: str, name: str, query: str, top: int) -> Ranking:
        """Search and take the time; kept, so that a rerun of a page doesn't search again."""

        def search() -> tuple[Ranking, float]:
            searcher = self.searcher(model, name)
            with self.encoding:
                begin = time.perf_counter()
                encoded = searcher.encode([query])
                hits = searcher.rank(encoded, top=top)[0]
                end = time.perf_counter()
            passages = self.collection(name).by_id
            return Ranking(tuple(hits), end - begin, passages, gloss=encoded[0].gloss), end

        asked = time.perf_counter()
        ranking, end = self.keep("ranking", search, model=model, collection=name, key=(query, top))
        return replace(ranking, kept=end < asked)

    def explanation(
        self, model: str, name: str, query: str, identifier: str
    ) -> Sequence[TokenMatch]:
        """Token matches of one result of a model that `explains`."""

        def matches() -> list[TokenMatch]:
            searcher, passage = self.searcher(model, name), self.collection(name).by_id[identifier]
            with self.encoding:
                return searcher.explain(searcher.encode([query])[0], [passage])[0]

        return self.keep(
            "explanation", matches, model=model, collection=name, key=(query, identifier)
        )

    # --- gold alignments and evaluations

    def gold_pairs(self, path: str) -> list[GoldPair]:
        """Pairs of a gold alignment file that the browser names."""
        file = typed_path(path)
        return self._kept.get(
            "gold pairs", file, lambda: read_gold(str(file)), stamp=file_stamp(file)
        )

    def evaluations(self) -> dict[str, Measurements]:
        """Saved evaluations by label; a collection measured in two versions has two."""
        stamp = tuple(file_stamp(record) for record, _ in record_files())
        return self._kept.get("evaluations", None, _labelled, stamp=stamp)


def _collection_stamp(folder: Path) -> Hashable:
    """Changes when a collection is installed anew."""
    return file_stamp(folder / "collection.json")


def _name(folder: Path) -> str | None:
    try:
        return open_collection(folder).name
    except InputError as error:
        logger.warning("left out: %s", error)
        return None


def file_stamp(file: Path) -> Hashable:
    """Changes when a file is written anew, or comes to be."""
    try:
        return str(file), file.stat().st_mtime_ns
    except OSError:
        return str(file), None


def _labelled() -> dict[str, Measurements]:
    labelled: dict[str, Measurements] = {}
    for saved in find_results():
        label = study_label(saved.collection, saved.study) if saved.study else saved.collection
        if label in labelled:
            label = f"{saved.collection} ({(saved.fingerprint or 'unknown')[:6]})"
        labelled[label] = saved
    return labelled
