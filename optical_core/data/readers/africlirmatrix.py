"""AfriCLIRMatrix (Ogundepo et al., EMNLP 2022): English queries, Wikipedia in an African language.

The judgements are on GitHub, the articles on the Hugging Face hub:

    test/queries/topics.africlirmatrix-v1.0.en.<code>.tsv    id, title of an English article
    test/qrels/qrels.africlirmatrix-v1.0.en.<code>.txt       id Q0 docid grade
    africlirmatrix-v1.0-<language>/corpus.jsonl              {"id", "contents"}
    <language>/*.parquet                                     the same, from the parquet branch

Grades are mined from Wikipedia, as CLIRMatrix's are; they don't come from people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.compression import plain_name
from optical_core.data.folders import data_files, one_file
from optical_core.data.languages import find_language, language
from optical_core.data.lines import read_topics
from optical_core.data.passages import read_rows
from optical_core.data.readers.unit import chosen_language
from optical_core.data.trec import read_qrels
from optical_core.errors import InputError

_TOPICS = re.compile(r"topics\.africlirmatrix-v1\.0\.en\.([a-z]{3})\.tsv")


def import_africlirmatrix(
    source: Path, target: Path, *, name: str, unit: str | None = None
) -> Collection:
    """Import the articles of one language; `unit` chooses it if the folder has several.

    The queries are English and each language has its own, so a collection is one language of
    articles.
    """
    code = _choose(source, unit)
    known = language(code)
    topics = one_file(source, f"topics.africlirmatrix-v1.0.en.{code}.tsv")
    judged = one_file(source, f"qrels.africlirmatrix-v1.0.en.{code}.txt")
    assert topics is not None  # chosen because they are there
    assert judged is not None
    info = CollectionInfo(
        name=name,
        description=f"AfriCLIRMatrix: titles of English Wikipedia articles as queries over "
        f"{known.name} Wikipedia articles; grades are mined from Wikipedia, not given by people.",
        licence="Apache 2.0 (text of Wikipedia: CC BY-SA)",
        source="AfriCLIRMatrix, github.com/castorini/africlirmatrix",
        languages=("en",),
        parallel=False,
        passage_language=known.code,
    )
    passages = _passages(_corpus(source, known.name))
    return write_collection(target, info, passages, {"en": read_topics(topics)}, read_qrels(judged))


def _choose(source: Path, unit: str | None) -> str:
    """The three-letter code of the articles' language."""
    codes = []
    for path in data_files(source, "topics.africlirmatrix-v1.0.en.*.tsv"):
        match = _TOPICS.fullmatch(plain_name(path.name))
        judged = f"qrels.africlirmatrix-v1.0.en.{match[1]}.txt" if match else ""
        if match and find_language(match[1]) and one_file(source, judged):
            codes.append(match[1])
    if not codes:
        raise InputError(
            f"{source} has no topics.africlirmatrix-v1.0.en.<lang>.tsv with its qrels: a folder of "
            "AfriCLIRMatrix's queries, qrels and corpus was expected"
        )
    return chosen_language(source, codes, unit, "AfriCLIRMatrix topics")


def _corpus(source: Path, named: str) -> list[Path]:
    """The articles' files, in the folder that is named after their language."""
    folder = named.lower().replace(" ", "_")
    files = [
        path
        for path in data_files(source, "*.jsonl", "*.parquet")
        if any(
            part.removeprefix("africlirmatrix-v1.0-") == folder
            for part in path.relative_to(source).parts[:-1]
        )
    ]
    if not files:
        raise InputError(f"{source} has no africlirmatrix-v1.0-{folder}/corpus.jsonl")
    return files


def _passages(files: list[Path]) -> Iterator[Passage]:
    for path in files:
        for row in read_rows(path, ("id", "contents")):
            yield Passage(row.id("id"), "", row.text("contents"))
