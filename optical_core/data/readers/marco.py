"""MS MARCO passages (Bajaj et al. 2016) and mMARCO (Bonifacio et al. 2021), its translations.

Read from:

    collection.tsv              MS MARCO: id, passage
    queries.dev.small.tsv       id, query
    qrels.dev.small.tsv         id 0 passage grade
    collections/<language>_collection.tsv             mMARCO, by name: english, german, …
    queries/dev/<language>_queries.dev.small.tsv
"""

from __future__ import annotations

from collections.abc import Iterator
from glob import escape
from pathlib import Path
from typing import NamedTuple

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.collection_info import is_parallel
from optical_core.data.compression import plain_name
from optical_core.data.folders import data_files, one_file
from optical_core.data.language_files import say_left_out
from optical_core.data.languages import LANGUAGES
from optical_core.data.lines import read_columns, read_table, read_topics
from optical_core.data.trec import read_qrels
from optical_core.errors import InputError

_SPLITS = ("dev.small", "dev", "train")


class Triple(NamedTuple):
    """A training example of MS MARCO: texts of a query, a relevant and another passage."""

    query: str
    positive: str
    negative: str


def read_triples(path: Path | str) -> Iterator[Triple]:
    """Stream `triples.train.small.tsv[.gz]`.

    Raises:
        InputError: a line has too few columns; the message has its number.
    """
    for columns in read_columns(path, Triple._fields):
        yield Triple(*columns)


def import_msmarco(
    source: Path,
    target: Path,
    *,
    name: str,
    unit: str | None = None,
    split: str | None = None,
) -> Collection:
    """Import MS MARCO: the first of its splits dev.small, dev and train that is there.

    `split` (or `unit`) names another (`queries.<split>.tsv` and `qrels.<split>.tsv`). Only judged
    queries are kept.
    """
    named = split or unit
    splits = (named,) if named else _SPLITS
    for split in splits:
        queries = one_file(source, f"queries.{escape(split)}.tsv")
        qrels = one_file(source, f"qrels.{escape(split)}.tsv")
        if queries and qrels:
            break
    else:
        raise InputError(
            f"{source} has no queries.{splits[0]}.tsv with its qrels: a folder of MS MARCO's "
            "collection.tsv, queries.<split>.tsv and qrels.<split>.tsv was expected"
        )
    corpus = one_file(source, "collection.tsv")
    if corpus is None:
        raise InputError(f"{source} has no collection.tsv")
    return _write(
        target,
        name,
        corpus,
        {"en": queries},
        qrels,
        description=f"MS MARCO passages, {split}.",
        source="microsoft.github.io/msmarco",
    )


def import_mmarco(
    source: Path,
    target: Path,
    *,
    name: str,
    unit: str | None = None,
    split: str | None = None,
) -> Collection:
    """Import mMARCO's queries of every language over the English passages: parallel.

    `split` (or `unit`) names the queries' split (dev.small by default).
    """
    split = split or unit or "dev.small"
    ending = f"_queries.{split}.tsv"
    codes = {known.name.lower(): code for code, known in LANGUAGES.items()}
    queries: dict[str, Path] = {}
    unknown = []
    for path in data_files(source, f"*{escape(ending)}"):
        named = plain_name(path.name).removesuffix(ending)
        if named not in codes:
            unknown.append(path.name)
            continue
        if codes[named] in queries:
            raise InputError(f"{queries[codes[named]]} and {path} are both of {named}: give one")
        queries[codes[named]] = path
    say_left_out(unknown, source)
    if not queries:
        raise InputError(
            f"{source} has no <language>{ending}: mMARCO's folder of queries and collections was "
            "expected"
        )
    corpus, qrels = (
        one_file(source, "english_collection.tsv"),
        one_file(source, f"qrels.{escape(split)}.tsv"),
    )
    if corpus is None or qrels is None:
        missing = "english_collection.tsv" if corpus is None else f"qrels.{split}.tsv"
        raise InputError(f"{source} has no {missing}")
    return _write(
        target,
        name,
        corpus,
        queries,
        qrels,
        description="mMARCO: queries translated by machine, English passages.",
        source="mMARCO, github.com/unicamp-dl/mMARCO",
    )


def _write(
    target: Path,
    name: str,
    corpus: Path,
    files: dict[str, Path],
    qrels_file: Path,
    *,
    description: str,
    source: str,
) -> Collection:
    qrels = read_qrels(qrels_file)
    queries = {
        code: {query: text for query, text in read_topics(path).items() if query in qrels}
        for code, path in files.items()
    }
    empty = next((files[code] for code, texts in queries.items() if not texts), None)
    if empty:
        raise InputError(f"{empty}: {qrels_file.name} judges none of its queries")
    info = CollectionInfo(
        name=name,
        description=description,
        licence="MS MARCO's terms: non-commercial research",
        source=source,
        languages=tuple(queries),
        parallel=is_parallel(queries),
    )
    passages = (Passage(key, "", text) for key, text in read_table(corpus, ("id", "passage")))
    return write_collection(target, info, passages, queries, qrels)
