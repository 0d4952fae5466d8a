"""Relevance as published: one reader for each form, chosen by the content of a file or folder.

    corpus.jsonl, queries.jsonl, qrels.tsv            BEIR, .gz too; qrels/train.tsv if split
    collection.json                                   a collection of ours
    *triples*.tsv                                     MS MARCO: query, relevant, other; texts or ids
    *.json, *.jsonl of [qid, [pid, score], …]         ColBERTv2's scored n-way examples, and
              of [qid, pid, pid, …]                   ColBERT's triples
    {query_id, document_ids, scores}                  PyLate's, JSON Lines or Parquet

Ids refer to `queries*.tsv` and `collection.tsv` beside the file (MS MARCO's names). PyLate's refer
to files with {query_id, text} and {document_id, text} in the same folder.
"""

from __future__ import annotations

from pathlib import Path

from optical_core.data import scored_files
from optical_core.data.collection import Passage, open_collection
from optical_core.data.compression import on_disk
from optical_core.data.examples import Example, ReadExamples
from optical_core.data.languages import matching
from optical_core.data.lines import read_jsonl, read_queries
from optical_core.data.trec import Qrels, read_qrels, trec_order
from optical_core.errors import InputError


def read_examples(
    path: Path, source: str, languages: tuple[str, ...], *, most: int | None = None
) -> ReadExamples:
    """Read a file or folder of examples.

    Args:
        path: the file or folder.
        source: passages' keys begin with it.
        languages: languages of the queries.
        most: readers of files that may not fit into memory stop after this many examples.

    Raises:
        InputError: there is no such file or folder, its form isn't known, or it has no query in
            `languages`.
    """
    if not path.exists():
        raise InputError(f"no such relevance file or folder: {path}")
    if (path / "collection.json").is_file():
        return _read_collection(path, source, languages)
    if path.is_dir() and find_file(path, "corpus.jsonl"):
        return _read_beir(path, source, languages)
    if files := scored_files.example_files(path):
        _check_languages(path, languages, ("en",))
        return scored_files.read(files, source, most)
    raise InputError(
        f"{path} is no relevance data of a known form: a BEIR folder (corpus.jsonl, queries.jsonl, "
        "qrels.tsv), a collection, MS MARCO's triples, or ColBERTv2's or PyLate's scored examples "
        "were expected"
    )


def find_file(folder: Path, *names: str) -> Path | None:
    """The first of the files `names` that a folder has, plain or compressed."""
    tried = (on_disk(folder / name) for name in names)
    return next((path for path in tried if path.is_file()), None)


def _read_collection(path: Path, source: str, languages: tuple[str, ...]) -> ReadExamples:
    collection = open_collection(path)
    present = _check_languages(path, languages, collection.languages)
    read = ReadExamples()
    for passage in collection.passages():
        read.add_passage(source, passage)
    for code in present:
        _add_judged(read, collection.queries(code), collection.qrels(code), source, code)
    return read


def _read_beir(path: Path, source: str, languages: tuple[str, ...]) -> ReadExamples:
    corpus = find_file(path, "corpus.jsonl")
    queries = find_file(path, "queries.jsonl")
    qrels = find_file(path, "qrels.tsv", "qrels/train.tsv")
    if corpus is None or queries is None or qrels is None:
        missing = "queries.jsonl" if queries is None else "qrels.tsv or qrels/train.tsv"
        raise InputError(f"{path} has no {missing}")
    _check_languages(path, languages, ("en",))
    read = ReadExamples()
    for row in read_jsonl(corpus, ("_id", "text")):
        read.add_passage(source, Passage.from_row(row))
    _add_judged(read, read_queries(queries), read_qrels(qrels), source, "en")
    return read


def _add_judged(
    read: ReadExamples, queries: dict[str, str], qrels: Qrels, source: str, code: str
) -> None:
    """Add examples made from judgements: grades above 0 are relevant, 0 and less negatives."""
    for query, grades in qrels.items():
        if query not in queries:
            read.dropped["query unknown"] += 1
            continue
        best_first = trec_order(grades)
        positives = tuple(f"{source}/{key}" for key in best_first if grades[key] > 0)
        negatives = tuple(f"{source}/{key}" for key in best_first if grades[key] <= 0)
        read.examples.append(
            Example(queries[query], positives, negatives, source=source, language=code)
        )


def _check_languages(path: Path, wanted: tuple[str, ...], has: tuple[str, ...]) -> tuple[str, ...]:
    """The wanted languages that a source has.

    Raises:
        InputError: it has none of them.
    """
    present = tuple(dict.fromkeys(code for asked in wanted for code in matching(asked, has)))
    if not present:
        raise InputError(f"{path} has queries in {', '.join(has)}, not in {', '.join(wanted)}")
    return present
