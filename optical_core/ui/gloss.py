"""What a model is, in a few words."""

from __future__ import annotations

_GLOSS = {
    "embedded": "multilingual-e5-small, undistilled",
    "bm25": "BM25 on the words as typed",
}


def gloss_of(name: str, kind: str) -> str:
    """What a model of a kind is, in a few words."""
    return _GLOSS.get(name, "distilled student" if kind == "student" else "encoder")
