"""MIRACL (Zhang et al. 2023): questions over the Wikipedia of their own language.

    miracl-v1.0-<lang>/topics/topics.miracl-v1.0-<lang>-<split>.tsv    id, query
    miracl-v1.0-<lang>/qrels/qrels.miracl-v1.0-<lang>-<split>.tsv      id Q0 docid grade
    miracl-corpus-v1.0-<lang>/docs-<n>.jsonl[.gz]                      {"docid", "title", "text"}

Queries and passages are in one language, so a collection is one language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.languages import language
from optical_core.data.lines import read_columns, read_jsonl
from optical_core.data.readers.unit import chosen_language
from optical_core.data.trec import read_qrels
from optical_core.errors import InputError

_TOPICS = re.compile(r"topics\.miracl-v1\.0-([a-z]{2})-(dev|testA|testB|train)\.tsv(?:\.gz)?")
_SPLITS = ("dev", "testA", "testB", "train")


def import_miracl(source: Path, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import one language; `unit` says which where the folder has several.

    The first split that has topics and judgements is taken of dev, testA, testB and train.
    """
    code, split = _choose(source, unit)
    stem = f"miracl-v1.0-{code}-{split}.tsv"
    topics, qrels = _file(source, f"topics.{stem}"), _file(source, f"qrels.{stem}")
    assert topics is not None  # chosen because they are there
    assert qrels is not None
    shards = sorted(
        source.rglob(f"miracl-corpus-v1.0-{code}/docs-*.jsonl*"),
        key=lambda path: [int(number) for number in re.findall(r"\d+", path.name)],
    )
    if not shards:
        raise InputError(f"{source} has no miracl-corpus-v1.0-{code}/docs-*.jsonl.gz")
    known = language(code)
    info = CollectionInfo(
        name=name,
        description=f"MIRACL {split}: {known.name} questions over {known.name} Wikipedia. "
        "Differences between languages mean little: each has its own questions and passages.",
        licence="Apache 2.0 (text of Wikipedia: CC BY-SA)",
        source="MIRACL, github.com/project-miracl/miracl",
        languages=(known.code,),
        parallel=False,
    )
    queries = {known.code: dict(read_columns(topics, ("query id", "query")))}
    return write_collection(target, info, _passages(shards), queries, read_qrels(qrels))


def _choose(source: Path, unit: str | None) -> tuple[str, str]:
    """The language and split to import."""
    found: dict[str, set[str]] = {}
    for path in sorted(source.rglob("topics.miracl-v1.0-*.tsv*")):
        match = _TOPICS.fullmatch(path.name)
        if match and _file(source, path.name.removesuffix(".gz").replace("topics.", "qrels.", 1)):
            found.setdefault(match[1], set()).add(match[2])
    if not found:
        raise InputError(
            f"{source} has no topics.miracl-v1.0-<lang>-dev.tsv with its qrels: a folder of "
            "miracl-v1.0-<lang> and miracl-corpus-v1.0-<lang> was expected"
        )
    code = chosen_language(source, found, unit, "MIRACL topics")
    return code, min(found[code], key=_SPLITS.index)


def _file(source: Path, name: str) -> Path | None:
    return next(iter(sorted([*source.rglob(name), *source.rglob(f"{name}.gz")])), None)


def _passages(shards: list[Path]) -> Iterator[Passage]:
    for path in shards:
        for row in read_jsonl(path, ("docid", "text")):
            yield Passage(str(row["docid"]), str(row.get("title") or ""), str(row["text"]))
