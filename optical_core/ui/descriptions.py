"""Descriptions of models in a few words."""

from __future__ import annotations

_DESCRIPTIONS = {
    "embedded": "multilingual-e5-small, undistilled",
    "bm25": "BM25 on the words as typed",
    "bm25-stem": "BM25 on stems of the words",
    "bm25-stop": "BM25 without stop words",
    "bm25-stem-stop": "BM25 on stems, without stop words",
}
_KINDS = {
    "student": "distilled student",
    "fusion": "joined models",
    "pipeline": "joined models",
    "expansion": "queries expanded by feedback",
}


def model_description(name: str, kind: str) -> str:
    """Describe a model in a few words, by its name or else by its kind."""
    return _DESCRIPTIONS.get(name, _KINDS.get(kind, "encoder"))
