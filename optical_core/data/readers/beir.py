"""BEIR: corpus.jsonl, queries.jsonl, qrels/test.tsv; also with `queries/<lang>.jsonl`."""

from __future__ import annotations

from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.languages import language
from optical_core.data.lines import read_jsonl
from optical_core.data.trec import read_qrels
from optical_core.errors import InputError


def import_beir(source: Path, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import a BEIR folder; queries.jsonl counts as English, `queries/<lang>.jsonl` as its own."""
    files = {
        language(path.stem).code: path for path in sorted((source / "queries").glob("*.jsonl"))
    }
    if not files:
        files = {"en": source / "queries.jsonl"}
    queries = {
        code: {str(row["_id"]): str(row["text"]) for row in read_jsonl(path, ("_id", "text"))}
        for code, path in files.items()
    }
    qrels_files = [source / "qrels.tsv", *(source / "qrels" / f"{s}.tsv" for s in ("test", "dev"))]
    qrels_file = next((path for path in qrels_files if path.is_file()), None)
    if qrels_file is None:
        raise InputError(f"{source} has no qrels.tsv, qrels/test.tsv or qrels/dev.tsv")
    passages = map(Passage.from_row, read_jsonl(source / "corpus.jsonl", ("_id", "text")))
    info = CollectionInfo(
        name=name,
        description=f"Imported from the BEIR folder {source.name}.",
        licence="as the source's",
        source=str(source),
        languages=tuple(queries),
        parallel=len({frozenset(texts) for texts in queries.values()}) == 1,
    )
    return write_collection(target, info, passages, queries, read_qrels(qrels_file))
