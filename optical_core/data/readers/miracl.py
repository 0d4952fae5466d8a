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
from optical_core.data.compression import plain_name
from optical_core.data.folders import data_files, one_file
from optical_core.data.languages import language
from optical_core.data.lines import read_jsonl, read_topics
from optical_core.data.readers.unit import chosen_language, chosen_split
from optical_core.data.trec import read_qrels
from optical_core.errors import InputError

_TOPICS = re.compile(r"topics\.miracl-v1\.0-([a-z]{2})-(dev|testA|testB|train)\.tsv")
_SPLITS = ("dev", "testA", "testB", "train")


def import_miracl(
    source: Path,
    target: Path,
    *,
    name: str,
    unit: str | None = None,
    split: str | None = None,
) -> Collection:
    """Import one language; `unit` chooses it if the folder has several.

    Without a `split` it takes the first of dev, testA, testB and train that has topics and
    judgements.
    """
    code, split = _choose(source, unit, split)
    stem = f"miracl-v1.0-{code}-{split}.tsv"
    topics, qrels = one_file(source, f"topics.{stem}"), one_file(source, f"qrels.{stem}")
    assert topics is not None  # chosen because they are there
    assert qrels is not None
    files = data_files(source, "docs-*.jsonl")
    shards = sorted(
        (path for path in files if path.parent.name == f"miracl-corpus-v1.0-{code}"),
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
        passage_language=known.code,
    )
    queries = {known.code: read_topics(topics)}
    return write_collection(target, info, _passages(shards), queries, read_qrels(qrels))


def _choose(source: Path, unit: str | None, split: str | None) -> tuple[str, str]:
    """The language and split to import."""
    splits: dict[str, set[str]] = {}
    for path in data_files(source, "topics.miracl-v1.0-*.tsv"):
        name = plain_name(path.name)
        match = _TOPICS.fullmatch(name)
        if match and one_file(source, name.replace("topics.", "qrels.", 1)):
            splits.setdefault(match[1], set()).add(match[2])
    if not splits:
        raise InputError(
            f"{source} has no topics.miracl-v1.0-<lang>-dev.tsv with its qrels: a folder of "
            "miracl-v1.0-<lang> and miracl-corpus-v1.0-<lang> was expected"
        )
    code = chosen_language(source, splits, unit, "MIRACL topics")
    return code, chosen_split(source, splits[code], split, _SPLITS)


def _passages(shards: list[Path]) -> Iterator[Passage]:
    for path in shards:
        for row in read_jsonl(path, ("docid", "text")):
            yield Passage.from_row(row, "docid")
