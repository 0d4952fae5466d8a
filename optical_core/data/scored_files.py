"""Training examples in files: MS MARCO's and ColBERT's triples, scored n-way files.

See `relevance_files` for the forms. Only passages that an example names are read from the corpus
beside the examples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from optical_core.data.collection import Passage
from optical_core.data.compression import plain_name
from optical_core.data.examples import Example, ReadExamples
from optical_core.data.fields import Row, identifier
from optical_core.data.folders import data_files
from optical_core.data.lines import parse_json, read_columns, read_jsonl, read_lines, read_table
from optical_core.data.passages import parquet_rows
from optical_core.data.readers.marco import read_triples
from optical_core.errors import InputError

_SCORED = ("query_id", "document_ids", "scores")
_TABLES = {_SCORED: "scored", ("query_id", "text"): "queries", ("document_id", "text"): "documents"}
"""PyLate's columns -> what a file with them contains."""


class _Named(NamedTuple):
    """An example with the ids of its files; the first passage is the relevant one."""

    query: str
    passages: tuple[str, ...]
    scores: tuple[float, ...]


class ExampleFile(NamedTuple):
    path: Path
    form: str
    """`triples`, `lists` or `scored`."""


def example_files(path: Path) -> list[ExampleFile]:
    """The example files that a path is or contains."""
    files = data_files(path) if path.is_dir() else [path]
    forms = ((file, _form(file)) for file in files)
    return [
        ExampleFile(file, form) for file, form in forms if form in ("triples", "lists", "scored")
    ]


def read(files: list[ExampleFile], source: str, most: int | None) -> ReadExamples:
    """Read at most `most` examples from files of one form.

    Raises:
        InputError: the files have several forms, or no queries or passages are beside them.
    """
    form, folder = files[0].form, files[0].path.parent
    if any(file.form != form for file in files):
        raise InputError(f"{folder} has examples of several forms: give one file of them")
    if form == "triples" and not _are_ids(files[0].path):
        return _text_triples(files, source, most)
    if form == "scored":
        root = _root_of_tables(folder)
        queries, corpus = (
            _tables(root, "queries", "query_id"),
            _tables(root, "documents", "document_id"),
        )
    else:
        queries, corpus = _tsv(folder, "queries*.tsv"), _tsv(folder, "collection.tsv")
    named = list(islice(_named(files), most))
    return _resolve(named, queries, corpus, source)


def _form(path: Path) -> str:
    """The form of a file; '' if it has no examples, queries or documents."""
    name = plain_name(path.name)
    if name.endswith(".tsv"):
        return "triples" if "triples" in name else ""
    if name.endswith(".parquet"):
        return _table_form(set(_parquet_columns(path)))
    if not name.endswith((".json", ".jsonl")):
        return ""
    line = next((text for _, text in read_lines(path) if text.strip()), "")
    if line.startswith("["):
        return "lists"
    try:
        row = parse_json(line, str(path))
    except InputError:
        return ""
    return _table_form(set(row)) if isinstance(row, dict) else ""


def _table_form(columns: set[str]) -> str:
    return next((form for needed, form in _TABLES.items() if columns >= set(needed)), "")


def _parquet_columns(path: Path) -> list[str]:
    import pyarrow
    from pyarrow.parquet import read_schema

    try:
        return read_schema(path).names
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"cannot read {path}: {str(error).splitlines()[0]}") from error


def _are_ids(path: Path) -> bool:
    """Does a file of triples contain ids, that is, numbers?"""
    columns = next(read_columns(path, ("query", "positive", "negative")), [])
    return all(column.strip().isdecimal() for column in columns)


def _text_triples(files: list[ExampleFile], source: str, most: int | None) -> ReadExamples:
    collected = ReadExamples()
    keys: dict[str, str] = {}
    rows = (row for file in files for row in read_triples(file.path))
    for row in islice(rows, most):
        for text in (row.positive, row.negative):
            if text not in keys:
                keys[text] = f"{source}/{len(keys)}"
                collected.add_passage(source, Passage(str(len(keys) - 1), "", text))
        collected.examples.append(
            Example(row.query, (keys[row.positive],), (keys[row.negative],), source=source)
        )
    return collected


def _named(files: list[ExampleFile]) -> Iterator[_Named]:
    for path, form in files:
        if form == "triples":
            for columns in read_columns(path, ("query", "positive", "negative")):
                query, *passages = (column.strip() for column in columns)
                yield _Named(query, tuple(passages), ())
        elif form == "lists":
            yield from _lists(path)
        else:
            yield from _scored_rows(path)


def _lists(path: Path) -> Iterator[_Named]:
    """ColBERT's lines: [qid, pid, pid, …] or [qid, [pid, score], …], the relevant passage first."""
    for number, line in read_lines(path):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        row = parse_json(line, where)
        if not isinstance(row, list) or len(row) < 2:
            raise InputError(f"{where}: [query id, passage, …] was expected")
        query, *rest = row
        pairs = [part if isinstance(part, list) else [part] for part in rest]
        if len({len(pair) for pair in pairs}) > 1 or not 1 <= len(pairs[0]) <= 2:
            raise InputError(f"{where}: passages are ids, or pairs [id, score], all alike")
        scores = tuple(_score(pair[1], where) for pair in pairs if len(pair) == 2)
        ids = tuple(identifier(pair[0], where) for pair in pairs)
        yield _Named(identifier(query, where), ids, scores)


def _scored_rows(path: Path) -> Iterator[_Named]:
    """PyLate's rows. They don't say which passage is relevant: the best scored one counts as it."""
    for row in _rows(path, _SCORED):
        where = row.where
        ids, scores = (_list(row[name], where) for name in ("document_ids", "scores"))
        if len(ids) != len(scores) or not ids:
            raise InputError(f"{where}: {len(ids)} document_ids, but {len(scores)} scores")
        names = (identifier(name, where) for name in ids)
        pairs = zip(names, (_score(value, where) for value in scores), strict=True)
        ordered = sorted(pairs, key=lambda pair: (pair[1], pair[0]), reverse=True)
        yield _Named(row.id("query_id"), *map(tuple, zip(*ordered, strict=True)))


def _list(value: Any, where: str) -> list:
    """A list, or the text of one, as in some published sets."""
    if isinstance(value, str):
        value = parse_json(value.replace("'", '"'), where)
    if not isinstance(value, list):
        raise InputError(f"{where}: a list was expected, got {str(value)[:40]!r}")
    return value


def _score(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{where}: {value!r} is no score")
    return float(value)


def _resolve(
    named: list[_Named],
    queries: Iterator[tuple[str, str]],
    corpus: Iterator[tuple[str, str]],
    source: str,
) -> ReadExamples:
    """Replace ids by their texts; examples with unknown query ids are counted."""
    asked = {example.query for example in named}
    wanted = {passage for example in named for passage in example.passages}
    texts: dict[str, str] = {}
    for key, text in queries:
        if key in texts:
            raise InputError(f"{source}: the query id {key!r} comes twice")
        if key in asked:
            texts[key] = text
    collected = ReadExamples()
    for key, text in corpus:
        if key in wanted:
            collected.add_passage(source, Passage(key, "", text))
    for example in named:
        if example.query not in texts:
            collected.dropped["query unknown"] += 1
            continue
        relevant, *rest = (f"{source}/{passage}" for passage in example.passages)
        collected.examples.append(
            Example(texts[example.query], (relevant,), tuple(rest), example.scores, source)
        )
    return collected


def _tsv(folder: Path, pattern: str) -> Iterator[tuple[str, str]]:
    """Ids and texts of MS MARCO's files in a folder."""
    files = data_files(folder, pattern, deep=False)
    if not files:
        raise InputError(f"{folder} has no {pattern}, whose ids the examples name")
    return ((key, text) for file in files for key, text in read_table(file, ("id", "text")))


def _root_of_tables(folder: Path) -> Path:
    """The folder of PyLate's three tables, each of which may have a folder of its own."""
    beside = {_form(file) for file in data_files(folder, deep=False)}
    return folder if {"queries", "documents"} <= beside else folder.parent


def _tables(root: Path, form: str, key: str) -> Iterator[tuple[str, str]]:
    files = [file for file in data_files(root) if _form(file) == form]
    if not files:
        raise InputError(f"{root} has no file with {key} and text, whose ids the examples name")
    return (
        (row.id(key), row.text_or_empty("text"))
        for file in files
        for row in _rows(file, (key, "text"))
    )


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    is_parquet = path.suffix == ".parquet"
    return parquet_rows(path, columns) if is_parquet else read_jsonl(path, columns)
