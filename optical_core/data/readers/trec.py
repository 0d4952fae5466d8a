"""TREC: `topics.<lang>.{tsv,txt}`, `qrels*` and `docs.*` (SGML, TSV or JSON Lines)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.collection_info import is_parallel
from optical_core.data.compression import plain_name
from optical_core.data.fields import add_once
from optical_core.data.folders import data_files
from optical_core.data.language_files import say_left_out
from optical_core.data.languages import find_language
from optical_core.data.lines import read_jsonl, read_table
from optical_core.data.readers import sgml
from optical_core.data.readers.judgements import read_judgements
from optical_core.data.readers.topics import read_topics
from optical_core.errors import InputError


def import_trec(source: Path, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import a TREC-style folder.

    Read from:

        topics.<lang>.*   qid<TAB>text, or <top> blocks with <num> and <title>
        qrels*            qid 0 docid grade; several are joined, but qrels.<lang>.* each language's
        docs*             <DOC> blocks with <DOCNO> and <TEXT>, docid<TAB>text, or JSON Lines;
                          several, or a folder of them, are joined
    """
    topics = data_files(source, "topics.*", deep=False)
    if not topics:
        raise InputError(f"{source} has no topics.<language>.tsv or .txt file")
    queries: dict[str, dict[str, str]] = {}
    unknown = []
    for path in topics:
        parts = plain_name(path.name).split(".")
        if len(parts) < 3:
            raise InputError(f"{path}: its name must tell the language, like topics.sw.tsv")
        if known := find_language(parts[1]):
            texts = queries.setdefault(known.code, {})
            for key, text in read_topics(path).items():
                add_once(texts, key, text, str(path))
        else:
            unknown.append(path.name)
    say_left_out(unknown, source)
    if not queries:
        raise InputError(f"{source} has no topics of a known language, only {', '.join(unknown)}")
    judgements = data_files(source, "qrels*", deep=False)
    if not judgements:
        raise InputError(f"{source} has no qrels.txt")
    named = {path: f"{plain_name(path.name)}..".split(".")[1] for path in judgements}
    qrels, per_language = read_judgements(named, queries)
    documents = data_files(source, "docs*", deep=False)
    for folder in source.glob("docs*"):
        documents += data_files(folder)
    if not documents:
        raise InputError(f"{source} has no docs.* file")
    info = CollectionInfo(
        name=name,
        description=f"Imported from the TREC folder {source.name}.",
        licence="as the source's",
        source=str(source),
        languages=tuple(queries),
        parallel=is_parallel(queries),
    )
    passages = (passage for path in documents for passage in _documents(path))
    return write_collection(target, info, passages, queries, qrels, qrels_per_language=per_language)


def _documents(path: Path) -> Iterator[Passage]:
    if ".jsonl" in path.suffixes:
        yield from map(Passage.from_row, read_jsonl(path, ("_id", "text")))
        return
    if ".tsv" in path.suffixes:
        for key, text in read_table(path, ("docid", "text")):
            yield Passage(key, "", text)
        return
    yield from sgml.documents(path)
