"""CLEF 2000-2003 ad hoc, to English: LA Times 94 and Glasgow Herald 95, topics C001 to C200.

Folders as in the evaluation package ELRA-E0008; letters' case and depth don't matter:

    Topics*/       Top-de01.txt (2001-2003), TOP-D.txt (2000), or the Somali and Swahili topics of
                   Bonab et al. (ICTIR 2019), clef-en-2000-2003-*_SOMALI.txt
    DocumentData/  files of <DOC> elements; where there are folders English*, only those
    RelAssess*/    qrels*; where there are files qrels_english*, only those

Everything is ISO-8859-1, or UTF-8 where a line is that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, write_collection
from optical_core.data.collection_info import is_parallel
from optical_core.data.fields import add_once
from optical_core.data.folders import data_files
from optical_core.data.languages import LANGUAGES, find_language
from optical_core.data.lines import read_lines
from optical_core.data.readers import sgml
from optical_core.data.trec import Qrels, join_judgements, read_qrels
from optical_core.errors import InputError

_ENCODING = "iso-8859-1"
_TITLE = re.compile(r"<([A-Z]{1,2})-title>", re.IGNORECASE)
# Tags of CLEF 2000. Its Swedish SW is told from Swahili's by the missing end tags of that year.
_TAGS_2000 = {"e": "en", "f": "fr", "d": "de", "i": "it", "sp": "es", "sw": "sv"}


def import_clef(source: Path, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import all topics, documents and qrels in `source`; a query is a topic's title and
    description, as in the campaigns' mandatory runs.

    The Glasgow Herald was searched only in 2003: for the topics of other years, use a folder
    without it. Topic ids become C041 in topics and in qrels (qrels have 41).
    """
    topic_files, document_files, qrels_files = _sort_out(source)
    queries: dict[str, dict[str, str]] = {}
    for path in topic_files:
        for code, identifier, text in _topics(path):
            add_once(queries.setdefault(code, {}), identifier, text, str(path))
    qrels: Qrels = {}
    for path in qrels_files:
        for topic, grades in read_qrels(path).items():
            join_judgements(qrels, _topic_id(topic), grades, str(path))
    info = CollectionInfo(
        name=name,
        description="CLEF ad hoc topics (title and description) over English newspapers.",
        licence="as agreed with ELRA (E0008); not free",
        source="CLEF 2000-2003 ad hoc, ELRA-E0008",
        languages=tuple(sorted(queries)),
        parallel=is_parallel(queries),
    )
    passages = (
        passage for path in document_files for passage in sgml.documents(path, fallback=_ENCODING)
    )
    return write_collection(target, info, passages, queries, qrels)


def _sort_out(source: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """Files of topics, documents and qrels, each sorted."""
    topics, documents, qrels = list[Path](), list[Path](), list[Path]()
    for path in data_files(source):
        parts = [part.lower() for part in path.relative_to(source).parts]
        if path.suffix.lower() == ".dtd" or parts[-1].startswith("read"):
            continue
        if parts[-1].startswith("qrels"):
            qrels.append(path)
        elif any(part.startswith("doc") for part in parts):
            documents.append(path)
        elif any(part.startswith("top") for part in parts):
            topics.append(path)
    for files, expected in (
        (topics, "Topics/Top-<language>*.txt"),
        (documents, "DocumentData/ with files of <DOC> elements"),
        (qrels, "RelAssess/qrels*"),
    ):
        if not files:
            raise InputError(f"{source} has no {expected}: a folder of CLEF ad hoc was expected")
    english = [path for path in documents if _in_english_folder(path.relative_to(source))]
    judged = [path for path in qrels if path.name.lower().startswith("qrels_english")]
    return topics, english or documents, judged or qrels


def _in_english_folder(path: Path) -> bool:
    return any(part.lower().startswith("english") for part in path.parts[:-1])


def _topics(path: Path) -> Iterator[tuple[str, str, str]]:
    """(language, topic id, title and description) of each topic of a file."""
    first = next((line for _, line in read_lines(path, fallback=_ENCODING) if line.strip()), "")
    if "query_id" in first:
        yield from _plain_topics(path)
        return
    number = 0
    for number, topic in sgml.elements(path, "top", fallback=_ENCODING):
        tagged = _TITLE.search(topic)
        prefix = f"{tagged[1]}-" if tagged else ""
        identifier = sgml.open_field(topic, "num")
        title, description = (sgml.open_field(topic, prefix + f) for f in ("title", "desc"))
        if not identifier or not title:
            raise InputError(f"{path}, line {number}: a <top> element without <num> or <title>")
        code = _tag_language(tagged[1], topic, path) if tagged else _name_language(path)
        yield code, _topic_id(identifier), f"{title} {description}".strip()
    if not number:
        raise InputError(f"{path}: no <top> element in it")


def _plain_topics(path: Path) -> Iterator[tuple[str, str, str]]:
    """Topics as lines `query_id: C041`, `title: ...`, `description: ...`, which may go on."""
    code = _name_language(path)
    topics: list[dict[str, str]] = []
    key = ""
    for number, line in read_lines(path, fallback=_ENCODING):
        if match := re.search(r"query_id\s*:(.*)", line):
            key = "query_id"
            topics.append({"line": str(number), key: match[1].strip()})
        elif not topics:
            if line.strip():
                raise InputError(f"{path}, line {number}: `query_id: C041` was expected")
        elif match := re.match(r"\W*(title|description)\s*:(.*)", line):
            key = match[1]
            topics[-1][key] = match[2].strip()
        elif line.strip():
            topics[-1][key] += " " + line.strip()
    for topic in topics:
        if not (topic["query_id"] and topic.get("title") and topic.get("description")):
            raise InputError(
                f"{path}, line {topic['line']}: a topic without query_id, title or description"
            )
        text = f"{topic['title']} {topic['description']}"
        yield code, _topic_id(topic["query_id"]), text


def _topic_id(text: str) -> str:
    """A topic's id in its one form.

    Examples:
        >>> _topic_id("C041"), _topic_id("41"), _topic_id("10.2452/41-AH")
        ('C041', 'C041', '10.2452/41-AH')
    """
    match = re.fullmatch(r"[Cc]?0*(\d{1,9})", text.strip())
    return f"C{int(match[1]):03d}" if match else text.strip()


def _tag_language(tag: str, topic: str, path: Path) -> str:
    closed = f"</{tag}-title>".lower() in topic.lower()
    code = tag.lower() if closed else _TAGS_2000.get(tag.lower(), tag.lower())
    known = find_language({"sp": "es"}.get(code, code))
    if known is None:
        raise InputError(f"{path}: <{tag}-title> names no language that is known")
    return known.code


def _name_language(path: Path) -> str:
    """The language in a file's name, in full (SOMALI) or as a code (Top-so03)."""
    words = re.findall(r"[a-z]+", path.name.lower())
    names = {known.name.lower(): code for code, known in LANGUAGES.items()}
    for word in words:
        if word in names:
            return names[word]
    for word in words:
        if known := find_language(word):
            return known.code
    raise InputError(f"{path}: its name must tell the language, like Top-so03.txt")
