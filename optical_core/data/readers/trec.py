"""TREC: `topics.<lang>.{tsv,txt}`, `qrels.txt` and `docs.*` (SGML, TSV or JSON Lines)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.languages import language
from optical_core.data.lines import read_columns, read_jsonl, read_lines
from optical_core.data.readers import sgml
from optical_core.data.trec import read_qrels
from optical_core.errors import InputError


def import_trec(source: Path, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import a TREC-style folder.

    Read from:

        topics.<lang>.*   one file a language: qid<TAB>text, or <top> blocks with <num> and <title>
        qrels.txt         qid 0 docid grade
        docs.*            <DOC> blocks with <DOCNO> and <TEXT>, docid<TAB>text, or JSON Lines
    """
    topics = sorted(source.glob("topics.*"))
    if not topics:
        raise InputError(f"{source} has no topics.<language>.tsv or .txt file")
    queries = {}
    for path in topics:
        parts = path.name.split(".")
        if len(parts) < 3:
            raise InputError(f"{path}: its name must tell the language, like topics.sw.tsv")
        queries[language(parts[1]).code] = _topics(path)
    qrels = next(iter(sorted(source.glob("qrels*.t*"))), None)
    if qrels is None:
        raise InputError(f"{source} has no qrels.txt")
    documents = sorted(source.glob("docs*"))
    if not documents:
        raise InputError(f"{source} has no docs.* file")
    info = CollectionInfo(
        name=name,
        description=f"Imported from the TREC folder {source.name}.",
        licence="as the source's",
        source=str(source),
        languages=tuple(queries),
        parallel=len({frozenset(texts) for texts in queries.values()}) == 1,
    )
    passages = (passage for path in documents for passage in _documents(path))
    return write_collection(target, info, passages, queries, read_qrels(qrels))


def _topics(path: Path) -> dict[str, str]:
    lines = [line for _, line in read_lines(path)]
    if not any(line.strip().lower().startswith("<top") for line in lines):
        found = {}
        for number, line in enumerate(lines, 1):
            if line.strip():
                identifier, separator, text = line.partition("\t")
                if not separator:
                    raise InputError(f"{path}, line {number}: `qid<TAB>text` was expected")
                found[identifier.strip()] = text.strip()
        return found
    found = {}
    for number, topic in sgml.elements(path, "top"):
        identifier = re.sub(r"(?i)^number:\s*", "", sgml.open_field(topic, "num"))
        title = re.sub(r"(?i)^topic:\s*", "", sgml.open_field(topic, "title"))
        if not identifier or not title:
            raise InputError(f"{path}, line {number}: a <top> element without <num> or <title>")
        found[identifier] = title
    return found


def _documents(path: Path) -> Iterator[Passage]:
    if ".jsonl" in path.suffixes:
        yield from map(Passage.from_row, read_jsonl(path, ("_id", "text")))
        return
    if ".tsv" in path.suffixes:
        for identifier, text in read_columns(path, ("docid", "text")):
            yield Passage(identifier, "", text)
        return
    yield from sgml.documents(path)
