"""Judgements that `Collection.qrels` leaves out, and that no measure counts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from optical_core.data.collection import Collection
from optical_core.data.trec import read_qrels
from optical_core.wording import counted


def judgements_left_out(collection: Collection) -> list[str]:
    """Say what is left out: a sentence for each kind, none if every judgement counts."""
    sentences = []
    if count := _of_unknown_passages(collection):
        found = counted(count, "judgement names a passage", "judgements name passages")
        sentences.append(f"{found} that the corpus lacks: left out of every measure")
    if count := _of_unknown_queries(collection):
        found = counted(count, "judgement names a query", "judgements name queries")
        sentences.append(f"{found} that no language has: left out of every measure")
    return sentences


def _of_unknown_passages(collection: Collection) -> int:
    unknown = Counter(
        passage
        for path in {collection.qrels_file(code) for code in collection.languages}
        for grades in read_qrels(path).values()
        for passage in grades
    )
    for passage in collection.passages():
        unknown.pop(passage.id, None)
    return unknown.total()


def _of_unknown_queries(collection: Collection) -> int:
    asked: dict[Path, set[str]] = {}
    for code in collection.languages:
        asked.setdefault(collection.qrels_file(code), set()).update(collection.queries(code))
    return sum(
        len(grades)
        for path, queries in asked.items()
        for query, grades in read_qrels(path).items()
        if query not in queries
    )
