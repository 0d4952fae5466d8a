"""Loaders for the pages: the few objects that are slow to open are kept for the process."""

from __future__ import annotations

from functools import lru_cache

from optical_core.data.collection import Collection, installed_collections, open_collection
from optical_core.models.retriever import list_models
from optical_core.retrieval.searcher import Searcher, open_searcher

SAMPLES = 8


def collection_names() -> list[str]:
    """Names of the installed collections, the demo first."""
    return [collection.name for collection in installed_collections()]


def model_names() -> list[str]:
    """Names of the models, the default student first."""
    entries = list_models()
    return [entry.name for entry in sorted(entries, key=lambda entry: not entry.default)]


def sample_queries(collection_name: str) -> dict[str, list[str]]:
    """A few queries of each language of a collection."""
    collection = open_collection(collection_name)
    return {
        code: list(collection.queries(code).values())[:SAMPLES] for code in collection.languages
    }


@lru_cache(maxsize=4)
def load_searcher(model: str, collection_name: str) -> tuple[Searcher, Collection]:
    """A model on a collection, ready to search; both are kept."""
    collection = open_collection(collection_name)
    return open_searcher(model, collection), collection
