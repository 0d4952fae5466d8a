"""HC4 and NeuCLIR 2022-23: English needs, news in Chinese, Persian or Russian.

    *topics*.jsonl                      {"topic_id", "topics": [{"lang", "source", "topic_title",
                                        "topic_description"}, …], …}
    *qrels* of a language               TREC; the language is in the file's name or its folder's
    <lang>/*docs*.jsonl[.gz]            {"id", "title", "text", …}

A collection is one language of documents (zho, fas or rus). Queries are the English originals and
their human translations; machine translations are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.collection_info import is_parallel
from optical_core.data.fields import Row, add_once
from optical_core.data.folders import data_files
from optical_core.data.language_files import say_left_out
from optical_core.data.languages import find_language, language
from optical_core.data.lines import read_jsonl
from optical_core.data.readers.unit import chosen_language
from optical_core.data.trec import Qrels, read_qrels
from optical_core.errors import InputError

_LANGUAGES = ("zho", "fas", "rus")
_SOURCES = ("original", "human translation")


def import_neuclir(source: Path, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import the documents of one language; `unit` chooses it if the folder has several.

    A query is a topic's title and description. If there are judgements of a test split, only they
    are taken. Topics without judgements are left out.
    """
    code = _choose(source, unit)
    qrels: Qrels = read_qrels(*_qrels_files(source, code))
    queries = _queries(source, qrels)
    if not any(queries.values()):
        raise InputError(f"{source}: no topic of its topics*.jsonl is judged for {code}")
    known = language(code)
    info = CollectionInfo(
        name=name,
        description=f"HC4 / NeuCLIR: English needs over {known.name} news; a query is title and "
        "description.",
        licence="ODC-BY (documents of Common Crawl)",
        source="HC4, github.com/hltcoe/HC4; NeuCLIR, neuclir.github.io",
        languages=tuple(sorted(queries)),
        parallel=is_parallel(queries),
        passage_language=known.code,
    )
    return write_collection(target, info, _passages(_documents(source, code)), queries, qrels)


def _is_of(path: Path, source: Path, code: str) -> bool:
    parts = re.split(r"[^a-z]+", path.relative_to(source).as_posix().lower())
    return code in parts


def _choose(source: Path, unit: str | None) -> str:
    codes = [code for code in _LANGUAGES if _qrels_files(source, code)]
    if not codes:
        raise InputError(
            f"{source} has no qrels of {', '.join(_LANGUAGES)}: a folder of HC4 or NeuCLIR with "
            "topics, qrels and documents was expected"
        )
    return chosen_language(source, codes, unit, "judgements")


def _qrels_files(source: Path, code: str) -> list[Path]:
    files = [path for path in data_files(source, "*qrels*") if _is_of(path, source, code)]
    return [path for path in files if "test" in path.name] or files


def _queries(source: Path, qrels: Qrels) -> dict[str, dict[str, str]]:
    """Language -> topic -> title and description, of the judged topics."""
    files = data_files(source, "*topics*.jsonl")
    if not files:
        raise InputError(f"{source} has no *topics*.jsonl")
    queries: dict[str, dict[str, str]] = {}
    unknown: list[str] = []
    for path in files:
        for row in read_jsonl(path, ("topic_id", "topics")):
            where, identifier = row.where, row.id("topic_id")
            if identifier not in qrels:
                continue
            for topic in row["topics"] if isinstance(row["topics"], list) else [None]:
                if not isinstance(topic, dict) or "topic_title" not in topic:
                    raise InputError(f"{where}: topics must be a list of objects with topic_title")
                known = find_language(str(topic.get("lang", "")))
                if known is None:
                    unknown.append(str(topic.get("lang")))
                elif topic.get("source", "original") in _SOURCES:
                    parts = Row(topic, where)
                    text = f"{parts.text('topic_title')} {parts.text_or_empty('topic_description')}"
                    texts = queries.setdefault(known.code, {})
                    add_once(texts, identifier, text.strip(), where, again=True)
    say_left_out(unknown, source)
    return queries


def _documents(source: Path, code: str) -> list[Path]:
    files = [path for path in data_files(source, "*docs*.jsonl") if _is_of(path, source, code)]
    if not files:
        raise InputError(f"{source} has no {code}/*docs*.jsonl or .jsonl.gz")
    return files


def _passages(files: list[Path]) -> Iterator[Passage]:
    for path in files:
        for row in read_jsonl(path, ("id", "text")):
            yield Passage.from_row(row, "id")
