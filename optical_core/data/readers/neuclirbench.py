"""NeuCLIRBench: the topics of NeuCLIR 2022 to 2024 over its Chinese, Persian and Russian news.

Queries and judgements are in the hub's neuclir/bench, the documents in neuclir/neuclir1:

    data/news.<lang>.tsv                       id, query; eng, fas, rus, zho
    data/qrels.<fas|rus|zho|mlir>.gains.txt    id 0 docid gain
    data/<lang>-00000-of-00001.jsonl.gz        {"id", "title", "text", …}, or Parquet

A collection is one language of documents, or all three (`mlir`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.collection_info import is_parallel
from optical_core.data.fields import Row
from optical_core.data.folders import data_files, one_file
from optical_core.data.languages import language
from optical_core.data.lines import read_topics
from optical_core.data.passages import read_rows
from optical_core.data.readers.unit import chosen_language
from optical_core.data.trec import read_qrels
from optical_core.errors import InputError

_DOCUMENTS = ("zho", "fas", "rus")
_ALL = "mlir"


def import_neuclirbench(
    source: Path, target: Path, *, name: str, unit: str | None = None
) -> Collection:
    """Import the documents of one language, or of all; `unit` chooses if there are several.

    A document of all languages has the field `lang`. Queries without judgements are left out.
    """
    part = _choose(source, unit)
    judged = one_file(source, f"qrels.{part}.gains.txt")
    assert judged is not None  # chosen because it is there
    qrels = read_qrels(judged)
    queries = {}
    for code in ("eng", *_DOCUMENTS):
        if path := one_file(source, f"news.{code}.tsv"):
            texts = {key: text for key, text in read_topics(path).items() if key in qrels}
            queries[language(code).code] = texts
    if not any(queries.values()):
        raise InputError(f"{source} has no news.eng.tsv with queries that {judged} judges")
    codes = _DOCUMENTS if part == _ALL else (part,)
    news = ", ".join(language(code).name for code in codes)
    info = CollectionInfo(
        name=name,
        description=f"NeuCLIRBench: needs in English, and translated, over news in {news}.",
        licence="CC BY 4.0 (documents of Common Crawl: ODC-BY)",
        source="NeuCLIRBench, huggingface.co/datasets/neuclir/bench and neuclir/neuclir1",
        languages=tuple(queries),
        parallel=is_parallel(queries),
        passage_language=None if part == _ALL else language(part).code,
    )
    documents = {code: _documents(source, code) for code in codes}
    return write_collection(target, info, _passages(documents, part == _ALL), queries, qrels)


def _choose(source: Path, unit: str | None) -> str:
    parts = [code for code in (*_DOCUMENTS, _ALL) if one_file(source, f"qrels.{code}.gains.txt")]
    if not parts:
        raise InputError(
            f"{source} has no qrels.<{'|'.join((*_DOCUMENTS, _ALL))}>.gains.txt: a folder of "
            "NeuCLIRBench with queries, qrels and documents was expected"
        )
    return chosen_language(source, parts, unit, "judgements")


def _documents(source: Path, code: str) -> list[Path]:
    name = re.compile(rf"{code}-\d{{5}}-of-\d{{5}}\.(jsonl|parquet)(\.\w+)?")
    files = [path for path in data_files(source) if name.fullmatch(path.name)]
    if not files:
        raise InputError(f"{source} has no {code}-00000-of-00001.jsonl.gz of neuclir/neuclir1")
    return files


def _passages(documents: dict[str, list[Path]], mixed: bool) -> Iterator[Passage]:
    for code, files in documents.items():
        for path in files:
            for row in read_rows(path, ("id", "text")):
                known = {"lang": language(code).code} if mixed else {}
                yield Passage.from_row(Row({**row, **known}, row.where), "id")
