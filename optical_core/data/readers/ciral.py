"""CIRAL (Adeyemi et al., SIGIR 2024): English queries, passages in an African language.

Read from:

    ciral-<language>/topics/topics.ciral-v1.0-<lang>-<split>.tsv      id, query
    ciral-<language>/qrels/qrels.ciral-v1.0-<lang>-<split>.tsv        id Q0 docid grade
    ciral-<language>/qrels/qrels.ciral-v1.0-<lang>-<split>-pools.tsv  the deeper pools' judgements
    any *.jsonl[.gz] of a corpus folder                               {"docid", "title", "text"}
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
from optical_core.data.trec import Qrels, read_qrels
from optical_core.errors import InputError

_TOPICS = re.compile(r"topics\.ciral-v1\.0-([a-z]{2})-(dev|test-a|test-b|train)\.tsv")
_SPLITS = ("test-a", "test-b", "dev", "train")


def import_ciral(
    source: Path,
    target: Path,
    *,
    name: str,
    unit: str | None = None,
    split: str | None = None,
) -> Collection:
    """Import the passages of one language; `unit` chooses it if the folder has several.

    Without a `split` it takes the first of test-a, test-b, dev and train that has topics and
    judgements. If the split has pools, their judgements are added, and override the shallow ones.
    """
    code, split = _choose(source, unit, split)
    known = language(code)
    stem = f"ciral-v1.0-{code}-{split}"
    judged, topics = one_file(source, f"qrels.{stem}.tsv"), one_file(source, f"topics.{stem}.tsv")
    assert judged is not None  # chosen because they are there
    assert topics is not None
    qrels: Qrels = read_qrels(judged)
    if pools := one_file(source, f"qrels.{stem}-pools.tsv"):
        for query, grades in read_qrels(pools).items():
            qrels.setdefault(query, {}).update(grades)
    info = CollectionInfo(
        name=name,
        description=f"CIRAL {split}: English queries over {known.name} news passages.",
        licence="Apache 2.0",
        source="CIRAL, huggingface.co/datasets/CIRAL/ciral",
        languages=("en",),
        parallel=False,
        passage_language=known.code,
    )
    corpus = _corpus(source, known.name.lower(), code)
    return write_collection(target, info, _passages(corpus), {"en": read_topics(topics)}, qrels)


def _choose(source: Path, unit: str | None, split: str | None) -> tuple[str, str]:
    """The language and split to import."""
    splits: dict[str, set[str]] = {}
    for path in data_files(source, "topics.ciral-v1.0-*.tsv"):
        name = plain_name(path.name)
        match = _TOPICS.fullmatch(name)
        if match and data_files(source, name.replace("topics.", "qrels.", 1)):
            splits.setdefault(match[1], set()).add(match[2])
    if not splits:
        raise InputError(
            f"{source} has no topics.ciral-v1.0-<lang>-<split>.tsv with its qrels: a folder of "
            "CIRAL's topics, qrels and corpus was expected"
        )
    code = chosen_language(source, splits, unit, "CIRAL topics")
    return code, chosen_split(source, splits[code], split, _SPLITS)


def _corpus(source: Path, named: str, code: str) -> list[Path]:
    """The passages' files: those that name the language, or all if none does."""
    files = data_files(source, "*.jsonl")
    matching = [
        path
        for path in files
        if named in (place := path.relative_to(source).as_posix().lower()) or f"-{code}" in place
    ]
    if not (matching or files):
        raise InputError(f"{source} has no corpus: *.jsonl or *.jsonl.gz files were expected")
    return matching or files


def _passages(files: list[Path]) -> Iterator[Passage]:
    for path in files:
        for row in read_jsonl(path, ("docid", "text")):
            yield Passage.from_row(row, "docid")
