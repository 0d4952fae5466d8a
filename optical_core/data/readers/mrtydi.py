"""Mr. TyDi (Zhang et al. 2021): questions over the Wikipedia of their own language.

As the archives have it, or as the hub has it:

    mrtydi-v1.1-<language>/topic.<split>.tsv, qrels.<split>.txt
    mrtydi-v1.1-<language>/collection/docs.jsonl.gz           {"id", "contents"}
    mrtydi-v1.1-<language>/ir-format-data/topics.<split>.txt, qrels.<split>.txt
    mrtydi-v1.1-<language>/corpus.jsonl.gz                    {"docid", "title", "text"}

Queries and passages are in one language, so a collection is one language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.folders import one_file
from optical_core.data.languages import LANGUAGES, Language
from optical_core.data.lines import read_jsonl, read_topics
from optical_core.data.readers.unit import chosen_language
from optical_core.data.trec import read_qrels
from optical_core.errors import InputError

_FOLDER = re.compile(r"mrtydi-v1\.\d-([a-z]+)")
_SPLITS = ("test", "dev", "train")


def import_mrtydi(
    source: Path,
    target: Path,
    *,
    name: str,
    unit: str | None = None,
    split: str | None = None,
) -> Collection:
    """Import one language; `unit` chooses it if the folder has several.

    Without a `split` it takes the first of test, dev and train that has topics and judgements.
    """
    known, folder = _choose(source, unit)
    split, topics, qrels = _split(folder, split)
    documents = one_file(folder, "docs.jsonl", "corpus.jsonl")
    if documents is None:
        raise InputError(f"{folder} has no collection/docs.jsonl.gz or corpus.jsonl.gz")
    info = CollectionInfo(
        name=name,
        description=f"Mr. TyDi {split}: {known.name} questions over {known.name} Wikipedia. "
        "Differences between languages mean little: each has its own questions and passages.",
        licence="Apache 2.0 (text of Wikipedia: CC BY-SA)",
        source="Mr. TyDi, github.com/castorini/mr.tydi",
        languages=(known.code,),
        parallel=False,
        passage_language=known.code,
    )
    queries = {known.code: read_topics(topics)}
    return write_collection(target, info, _passages(documents), queries, read_qrels(qrels))


def _choose(source: Path, unit: str | None) -> tuple[Language, Path]:
    names = {known.name.lower(): known for known in LANGUAGES.values()}
    folders: dict[str, tuple[Language, Path]] = {}
    for path in sorted([source, *source.rglob("mrtydi-v1.*")]):
        match = _FOLDER.fullmatch(path.name)
        if match and path.is_dir() and match[1] in names:
            folders[names[match[1]].code] = names[match[1]], path
    if not folders:
        raise InputError(f"{source} has no folder mrtydi-v1.1-<language>, as Mr. TyDi has them")
    return folders[chosen_language(source, folders, unit, "Mr. TyDi")]


def _split(folder: Path, wanted: str | None) -> tuple[str, Path, Path]:
    """The split with its topics and judgements."""
    for split in (wanted,) if wanted else _SPLITS:
        topics = one_file(folder, f"topic.{split}.tsv", f"topics.{split}.txt")
        qrels = one_file(folder, f"qrels.{split}.txt")
        if topics and qrels:
            return split, topics, qrels
    raise InputError(f"{folder} has no topic.{wanted or '<split>'}.tsv with its qrels")


def _passages(path: Path) -> Iterator[Passage]:
    for row in read_jsonl(path):
        if "contents" in row and "id" in row:
            title, between, text = row.text_or_empty("contents").partition("\n\n")
            yield Passage(row.id("id"), *((title, text) if between else ("", title)))
        elif "docid" in row and "text" in row:
            yield Passage.from_row(row, "docid")
        else:
            raise InputError(f"{row.where}: id and contents, or docid and text, were expected")
