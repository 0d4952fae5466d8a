"""CLIRMatrix (Sun and Duh, EMNLP 2020), BI-139 and MULTI-8: titles of Wikipedia articles ask.

    BI-139/base/<query>/<query>.<document>.<split>.base.jl.gz    one query a line
    BI-139/full/<query>/<query>.<document>.<split>.jl.gz
    DOCS/<document>.tsv.gz                                       id, text

A line is {"src_id", "src_query", "tgt_results": [[document id, grade], ...]}. Grades go from 6 to
0; they come from BM25 in the query's language, not from people.
"""

from __future__ import annotations

import re
from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.compression import plain_name
from optical_core.data.fields import add_once, grade, identifier
from optical_core.data.folders import data_files, only
from optical_core.data.language_files import by_language, say_left_out
from optical_core.data.languages import find_language, known_code
from optical_core.data.lines import read_jsonl, read_table
from optical_core.data.trec import Qrels, join_judgements
from optical_core.errors import InputError

_PAIR = re.compile(r"([a-z]+)\.([a-z]+)\.(train|dev|test1|test2)(?:\.base)?\.jl")
_SPLITS = ("test1", "test2", "dev", "train")
_FIELDS = ("src_id", "src_query", "tgt_results")


def import_clirmatrix(
    source: Path,
    target: Path,
    *,
    name: str,
    unit: str | None = None,
    split: str | None = None,
) -> Collection:
    """Import every query language that has a file for one document language and split.

    `source` is a folder of BI-139 (base or full) or MULTI-8; the documents lie in it or in a
    folder DOCS above it. English documents are taken where there are several languages, and the
    first split that there is of test1, test2, dev and train, unless `split` names one. Query ids
    are page ids of their own Wikipedia: they get the language as prefix, unless all languages have
    the same ids. Languages that aren't in our table are left out.
    """
    pairs, document_language = _choose(source, split)
    documents = _documents(source, document_language)
    read = {code: read_pair(path) for code, path in pairs.items()}
    shared = len({frozenset(queries) for queries, _ in read.values()}) == 1
    if not shared:
        read = {code: _prefixed(code, *pair) for code, pair in read.items()}
    info = CollectionInfo(
        name=name,
        description="Titles of Wikipedia articles as queries; graded by BM25 in their language.",
        licence="CC BY 4.0 (text of Wikipedia: CC BY-SA)",
        source="CLIRMatrix, github.com/ssun32/CLIRMatrix",
        languages=tuple(read),
        parallel=shared,
        passage_language=known_code(document_language),
    )
    passages = (Passage(key, "", text) for key, text in read_table(documents, ("id", "text")))
    queries = {code: texts for code, (texts, _) in read.items()}
    qrels = {code: judged for code, (_, judged) in read.items()}
    return write_collection(target, info, passages, queries, qrels, qrels_per_language=True)


def _choose(source: Path, wanted: str | None) -> tuple[dict[str, Path], str]:
    """Files of one document language and split by our code of the query language."""
    sets: dict[tuple[str, str], dict[str, Path]] = {}
    for path in data_files(source, "*.jl"):
        if match := _PAIR.fullmatch(plain_name(path.name)):
            query, document, split = match.groups()
            if wanted not in (None, split):
                continue
            files = sets.setdefault((document, split), {})
            if query in files:
                raise InputError(
                    f"{files[query]} and {path} are of the same languages and split: give the "
                    "folder of one set (BI-139/base, BI-139/full or MULTI-8)"
                )
            files[query] = path
    if not sets:
        raise InputError(
            f"{source} has no <query>.<document>.{wanted or '<split>'}.jl.gz: a CLIRMatrix folder "
            "was expected"
        )
    document, split = min(sets, key=lambda key: (key[0] != "en", _SPLITS.index(key[1])))
    further = {key[0] for key in sets} - {document}
    if document != "en" and further:
        raise InputError(
            f"{source} has documents in {document} and {', '.join(sorted(further))}, none in "
            "English: give a folder with one document language"
        )
    queries = {path: query for query, path in sets[document, split].items()}
    # als is Alemannic to Wikipedia and Albanian to ISO 639-3.
    unknown = [query for query in queries.values() if query == "als" or not find_language(query)]
    known = [path for path, query in queries.items() if query not in unknown]
    say_left_out(unknown, source)
    if not known:
        raise InputError(f"{source}: none of its query languages is known ({', '.join(unknown)})")
    return by_language(known, queries.__getitem__, source), document


def _documents(source: Path, code: str) -> Path:
    places = [source, *(parent / "DOCS" for parent in source.resolve().parents[:3])]
    for place in places:
        if path := only(data_files(place, f"{code}.tsv", deep=place is source)):
            return path
    raise InputError(f"{source} has no DOCS/{code}.tsv.gz in it or above it")


def read_pair(path: Path) -> tuple[dict[str, str], Qrels]:
    """Read the queries of one pair of languages, and their judgements.

    Raises:
        InputError: a line has other fields, or an id comes twice.
    """
    queries: dict[str, str] = {}
    qrels: Qrels = {}
    for row in read_jsonl(path, _FIELDS):
        key = row.id("src_id")
        add_once(queries, key, row.text("src_query"), row.where)
        try:
            pairs = [(document, value) for document, value in row["tgt_results"]]
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{row.where}: tgt_results must be a list of [document id, grade]"
            ) from error
        qrels[key] = {}
        for document, value in pairs:
            judged = {identifier(document, row.where): grade(value, row.where)}
            join_judgements(qrels, key, judged, row.where)
    return queries, qrels


def _prefixed(code: str, queries: dict[str, str], qrels: Qrels) -> tuple[dict[str, str], Qrels]:
    return (
        {f"{code}-{key}": text for key, text in queries.items()},
        {f"{code}-{key}": grades for key, grades in qrels.items()},
    )
