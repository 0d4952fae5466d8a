"""Loaders for the pages: what is slow to open is opened once for the process.

Streamlit runs every browser tab in a thread of its own. Opening is done under a lock, so that
ten tabs don't read ten models; encoding too, since fast tokenizers can't be shared by threads.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from optical_core.data.collection import Collection, Passage, installed_collections, open_collection
from optical_core.data.gold import GoldPair, read_gold
from optical_core.errors import InputError
from optical_core.models.embedded import is_converted
from optical_core.serve.client import Server
from optical_core.study.results import SavedResults, find_results, study_label
from optical_core.ui.gloss import gloss_of
from optical_core.ui.kept import Kept
from optical_core.ui.paths import typed_path
from optical_core.ui.search.ranking import Ranking
from optical_core.ui.search.served import ServedLibrary
from optical_core.ui.search_source import SearchSource
from optical_core.wording import counted

# What needs torch is imported where it is used: a search page that asks a server doesn't.
if TYPE_CHECKING:
    from optical_core.models.alignment import EncodedPair
    from optical_core.models.catalogue import ModelEntry
    from optical_core.models.pair import EncoderPair
    from optical_core.retrieval.explain import TokenMatch
    from optical_core.retrieval.searcher import Searcher
    from optical_core.study.predictors import QueryCosts
    from optical_core.transport import TransportPlan

SERVER = "OPTICAL_SERVER"
"""Environment variable: address of the server that the search page asks, `http://host:port`."""

_OPEN = threading.RLock()
_ENCODE = threading.Lock()
_KEPT = Kept({"topics": 64, "ranking": 64, "explanation": 64})


def search_source() -> SearchSource:
    """What the search page asks: the server that `$OPTICAL_SERVER` names, or this module."""
    address = server_address()
    return ServedLibrary(_server(address), _KEPT) if address else sys.modules[__name__]  # type: ignore[return-value]


def server_address() -> str:
    """Address of the server that the search page asks; empty where it asks none."""
    return os.environ.get(SERVER, "").strip()


@lru_cache(maxsize=1)
def _server(address: str) -> Server:
    return Server(address)


def models() -> list[ModelEntry]:
    """The models known by name, the default student first."""
    from optical_core.models.catalogue import list_models

    return sorted(list_models(), key=lambda entry: (not entry.default, entry.kind == "baseline"))


def model_names(*, token_level: bool = False) -> list[str]:
    """Names of the models; with `token_level` those that have token vectors."""
    return [entry.name for entry in models() if not (token_level and entry.kind == "baseline")]


def default_models() -> list[str]:
    """Undistilled, student, BM25: what a comparison starts with."""
    from optical_core.models.backbones import EMBEDDED

    names = model_names()
    return [name for name in dict.fromkeys((EMBEDDED, names[0], "bm25")) if name in names]


def gloss(name: str) -> str:
    """What a model is, in a few words."""
    kinds = {entry.name: entry.kind for entry in models()}
    return gloss_of(name, kinds.get(name, "encoder"))


def explains(model: str) -> bool:
    """Can a model say which tokens make up a score?"""
    return any(entry.name == model and entry.kind != "baseline" for entry in models())


def collection_names() -> list[str]:
    """Names of the installed collections, the demo first."""
    return [collection.name for collection in installed_collections()]


def collection(name: str) -> Collection:
    """An opened collection; opened anew when its folder has changed."""
    return _collection(name, _collection_stamp(name))


def unknown_judgements(name: str) -> int:
    """How many judgements of an installed collection are of passages that it lacks, kept."""
    return _unknown_judgements(name, _collection_stamp(name))


@lru_cache(maxsize=64)
def _unknown_judgements(name: str, stamp: int) -> int:
    return _collection(name, stamp).unknown_judgements()


def languages(name: str) -> Sequence[str]:
    """Codes of the languages in which a collection has queries."""
    return collection(name).languages


def _collection_stamp(name: str) -> int:
    """Changes when a collection of this name is installed anew."""
    return (open_collection(name).folder / "collection.json").stat().st_mtime_ns


@lru_cache(maxsize=8)
def _collection(name: str, stamp: int) -> Collection:
    return open_collection(name)


@lru_cache(maxsize=64)
def _queries(name: str, stamp: int, code: str) -> Mapping[str, str]:
    return _collection(name, stamp).queries(code)


def queries(name: str, code: str) -> Mapping[str, str]:
    """Query id -> text of one language of a collection."""
    return _queries(name, _collection_stamp(name), code)


def find_query(name: str, text: str) -> tuple[str, str] | None:
    """(language, query id) of a text that is a query of the collection, or None."""
    wanted, stamp = text.strip(), _collection_stamp(name)
    for code in _collection(name, stamp).languages:
        for identifier, query in _queries(name, stamp, code).items():
            if query == wanted:
                return code, identifier
    return None


def _stamp(model: str) -> int:
    """Changes when a student of this name is trained anew."""
    entry = next((entry for entry in models() if entry.name == model), None)
    if entry is None or entry.folder is None:
        return 0
    return (entry.folder / "retriever.json").stat().st_mtime_ns


def encoder_pair(name: str) -> EncoderPair:
    """A loaded model pair, kept."""
    return _encoder_pair_of(name, _stamp(name))


def _encoder_pair_of(name: str, stamp: int) -> EncoderPair:
    with _OPEN:
        return _encoder_pair(name, stamp)


@lru_cache(maxsize=6)
def _encoder_pair(name: str, stamp: int) -> EncoderPair:
    from optical_core.models.pair_store import load_pair

    return load_pair(name)


def searcher(model: str, collection_name: str) -> Searcher:
    """A model on a collection, ready to search; indexes it where that hasn't been done."""
    return _searcher_of(_pairing(model, collection_name))


_Pairing = tuple[str, int, str, str]
"""A model with its stamp, a collection's folder with its fingerprint. What is kept is kept by
names like these: by the models themselves, it would keep those alive that were trained anew."""


def _pairing(model: str, collection_name: str) -> _Pairing:
    opened = collection(collection_name)
    return model, _stamp(model), str(opened.folder), opened.fingerprint


def _searcher_of(pairing: _Pairing) -> Searcher:
    with _OPEN:
        return _searcher(*pairing)


@lru_cache(maxsize=8)
def _searcher(model: str, stamp: int, folder: str, fingerprint: str) -> Searcher:
    from optical_core.retrieval.searchers import open_searcher

    # The model that the other pages show: loaded once.
    return open_searcher(
        model,
        open_collection(folder),
        progress=True,
        load=lambda name: _encoder_pair_of(name, stamp),
    )


def is_prepared(collection_name: str) -> bool:
    """Is everything that takes a minute done: the encoder converted, the collection indexed?"""
    from optical_core.retrieval.indexing import has_index

    return is_converted() and has_index(collection(collection_name))


def prepare(collection_name: str, watch: Callable[[float, str], None]) -> None:
    """Do what the first start needs, telling `watch` the share done and what is being done."""
    from optical_core.models.backbones import EMBEDDED
    from optical_core.retrieval.indexing import collection_index

    watch(0.02, "Converting the embedded encoder (once)…")
    teacher = encoder_pair(EMBEDDED).teacher
    opened = collection(collection_name)
    total = max(len(opened.by_id), 1)
    watch(0.2, f"Indexing {counted(total, 'passage')} (once)…")
    with _OPEN:
        collection_index(
            opened,
            teacher,
            watch=lambda done: watch(
                0.2 + 0.8 * done / total, f"{done:,} of {counted(total, 'passage')}"
            ),
        )


def rank(model: str, collection_name: str, query: str, top: int) -> Ranking:
    """Search and take the time; kept, so that a rerun of a page doesn't search again."""
    asked = time.perf_counter()
    hits, begin, end = _rank(_pairing(model, collection_name), query, top)
    return Ranking(hits, end - begin, collection(collection_name).by_id, kept=end < asked)


@lru_cache(maxsize=256)
def _rank(
    pairing: _Pairing, query: str, top: int
) -> tuple[tuple[tuple[str, float], ...], float, float]:
    """Hits, and the times of the process's clock when their search began and ended."""
    found = _searcher_of(pairing)
    with _ENCODE:
        _warm(pairing)
        begin = time.perf_counter()
        hits = found.search(query, top=top)
        return tuple(hits), begin, time.perf_counter()


@lru_cache(maxsize=64)
def _warm(pairing: _Pairing) -> None:
    """A searcher's first search reads the index from disk: that is opening it, not searching."""
    _searcher_of(pairing).search("a", top=1)


def explanation(
    model: str, collection_name: str, query: str, identifier: str
) -> tuple[TokenMatch, ...]:
    """Token matches of one result; empty for models without token vectors."""
    passage = collection(collection_name).by_id[identifier]
    return _explanation(_pairing(model, collection_name), query, passage)


@lru_cache(maxsize=256)
def _explanation(pairing: _Pairing, query: str, passage: Passage) -> tuple[TokenMatch, ...]:
    searcher = _searcher_of(pairing)
    if not searcher.explains:
        return ()
    with _ENCODE:
        (matches,) = searcher.explain(searcher.encode([query])[0], [passage])
    return tuple(matches)


def pair(model: str, foreign: str, english: str, marginals: str) -> EncodedPair:
    """Token vectors of two texts; kept, so that trying solvers doesn't encode again."""
    return _pair(model, _stamp(model), foreign, english, marginals)


@lru_cache(maxsize=256)
def _pair(model: str, stamp: int, foreign: str, english: str, marginals: str) -> EncodedPair:
    from optical_core.models.alignment import encode_pair

    loaded = _encoder_pair_of(model, stamp)
    with _ENCODE:
        return encode_pair(loaded, foreign, english, marginals=marginals)


def plan(
    model: str,
    foreign: str,
    english: str,
    marginals: str = "real-tokens",
    *,
    method: str = "exact",
    epsilon: float = 0.05,
) -> TransportPlan:
    """The transport plan of two texts; kept, as their vectors are."""
    return _plan(model, _stamp(model), foreign, english, marginals, method, epsilon)


@lru_cache(maxsize=256)
def _plan(
    model: str,
    stamp: int,
    foreign: str,
    english: str,
    marginals: str,
    method: str,
    epsilon: float,
) -> TransportPlan:
    from optical_core.models.alignment import solve_pair

    encoded = _pair(model, stamp, foreign, english, marginals)
    return solve_pair(encoded, method=method, epsilon=epsilon)


def costs_measurable(results: SavedResults, models: Sequence[str]) -> list[str]:
    """Of the models, those whose query costs can be measured here: both they and the collection
    are installed, the collection is the one that was measured, and parallel with English."""
    installed = {found.name for found in installed_collections()}
    if not results.parallel or results.collection not in installed:
        return []
    opened = collection(results.collection)
    if opened.english is None or results.fingerprint not in (None, opened.fingerprint):
        return []
    known = model_names(token_level=True)
    return [name for name in models if name in known]


def query_costs(model: str, collection_name: str, code: str) -> QueryCosts | None:
    """Fertility and transport costs of one language's queries, kept; None if none has tokens."""
    stamps = _stamp(model), _collection_stamp(collection_name)
    return _query_costs(model, collection_name, code, *stamps)


@lru_cache(maxsize=1024)
def _query_costs(
    model: str, name: str, code: str, model_stamp: int, stamp: int
) -> QueryCosts | None:
    from optical_core.study.predictors import query_costs as measure_query_costs

    loaded = _encoder_pair_of(model, model_stamp)
    # One language at a time: other tabs needn't wait for all of them.
    with _ENCODE:
        return measure_query_costs(loaded, _collection(name, stamp), [code]).get(code)


def gold_pairs(path: str) -> list[GoldPair]:
    """Pairs of a gold alignment file that the browser names; read anew when it changes."""
    file = typed_path(path)
    return _gold_pairs(str(file), file.stat().st_mtime_ns if file.is_file() else 0)


@lru_cache(maxsize=4)
def _gold_pairs(path: str, stamp: int) -> list[GoldPair]:
    return read_gold(path)


def results() -> dict[str, SavedResults]:
    """Saved evaluations by label; a collection measured in two versions has two."""
    found: dict[str, SavedResults] = {}
    for saved in find_results():
        label = study_label(saved.collection, saved.study) if saved.study else saved.collection
        if label in found:
            label = f"{saved.collection} ({(saved.fingerprint or 'unknown')[:6]})"
        found[label] = saved
    return found


def judged(collection_name: str, code: str, query: str) -> Mapping[str, int]:
    """Grades of a query's judged passages; empty if the collection doesn't know the query."""
    try:
        return collection(collection_name).qrels(code).get(query, {})
    except InputError:
        return {}
