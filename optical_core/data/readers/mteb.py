"""MTEB's retrieval sets, in the folders that `huggingface-cli download` makes.

Files are Parquet or JSON Lines. A folder has one language, or several in the names of its folders:

    corpus/<split>-00000-of-00001.parquet                  {"_id", "title", "text"}
    queries/<split>-00000-of-00001.parquet                 {"_id", "text"}
    qrels/<split>-….parquet, or default/, or data/         {"query-id", "corpus-id", "score"}
    sw-corpus/, sw-queries/, sw-qrels/                     MIRACLRetrieval
    eng-deu-corpus/, eng-deu-queries/, eng-deu-qrels/      MLQARetrieval
    corpus-fas/, queries-fas/, default-fas/                mFollowIR
    neuclir-rus/corpus.jsonl, queries.jsonl, test.jsonl    NeuCLIR

An id is in `_id` or in `id`. BelebeleRetrieval has Belebele's own files: the format `belebele`
reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.compression import plain_name
from optical_core.data.fields import Row, add_once, grade
from optical_core.data.folders import data_files
from optical_core.data.languages import Language, find_language, language, main_script
from optical_core.data.passages import read_rows
from optical_core.data.readers.unit import chosen_language, chosen_split
from optical_core.data.trec import Qrels, join_judgements
from optical_core.errors import InputError

_KINDS = {
    "corpus": "corpus",
    "queries": "queries",
    "query": "queries",
    "qrels": "qrels",
    "default": "qrels",
    "data": "qrels",
}
"""Word in the name of a folder or a file -> what it holds."""
_OTHER = {"instruction", "top_ranked", "qrel_diff"}
"""Words of folders that are left out."""
_SPLITS = ("test", "dev", "validation", "train")
_SHARD = re.compile(r"-\d{5}-of-\d{5}(-[0-9a-f]+)?$")
_FIELDS = ("query-id", "corpus-id", "score")


@dataclass
class _Subset:
    """Files of a language or a pair of languages: kind -> split -> shards."""

    files: dict[str, dict[str, list[Path]]] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        return set(self.files) == set(_KINDS.values())


def import_mteb(
    source: Path,
    target: Path,
    *,
    name: str,
    unit: str | None = None,
    split: str | None = None,
) -> Collection:
    """Import one language or pair of languages; `unit` chooses it if the folder has several.

    In a pair, the first language is that of the passages, as MTEB has it. If the queries aren't in
    the script of the second one, they are in the other or in English. If the folder has no
    language in its names, `unit` is the language of the queries. Queries without judgements are
    left out, and so are instructions. Without a `split` it takes the first of test, dev, validation
    and train that has judgements.
    """
    subsets = {key: found for key, found in _subsets(source).items() if found.whole}
    if not subsets:
        raise InputError(
            f"{source} has no corpus, queries and qrels in Parquet or JSON Lines: a set of "
            "MTEB was expected, as `huggingface-cli download` leaves it"
        )
    key = "" if set(subsets) == {""} else _choose(source, subsets, unit)
    subset = subsets[key].files
    split = chosen_split(source, subset["qrels"], split, [*_SPLITS, *sorted(subset["qrels"])])
    qrels = _qrels(subset["qrels"][split])
    queries = _queries(_of_split(source, subset["queries"], split), qrels)
    if not queries:
        raise InputError(f"{source}: none of its queries is judged in the split {split!r}")
    known, of_passages = _sides(source, key, unit, queries)
    about = f"{key} {split}".strip()
    info = CollectionInfo(
        name=name,
        description=f"MTEB's {source.resolve().name}, {about}: {known.name} queries.",
        licence="as the source's",
        source=str(source),
        languages=(known.code,),
        parallel=False,
        passage_language=of_passages.code if of_passages else None,
    )
    passages = _passages(_of_split(source, subset["corpus"], split))
    return write_collection(target, info, passages, {known.code: queries}, qrels)


def _subsets(source: Path) -> dict[str, _Subset]:
    """Name of a language or pair ('' for a folder without) -> its files."""
    subsets: dict[str, _Subset] = {}
    for path in data_files(source, "*.parquet", "*.jsonl"):
        stem = _SHARD.sub("", plain_name(path.name).rpartition(".")[0])
        folders = list(path.relative_to(source).parts[:-1])
        if stem.isdigit() and folders:  # <config>/<split>/0000.parquet of the parquet branch
            stem = folders.pop()
        words = folders[-1].split("-") if folders else []
        if _OTHER.intersection(words):
            continue
        kind = next((_KINDS[word] for word in words if word in _KINDS), "qrels")
        if kind == "qrels":
            kind = _KINDS.get(stem, "qrels")
        rest = "-".join(word for word in words if word not in _KINDS)
        splits = subsets.setdefault(rest, _Subset()).files.setdefault(kind, {})
        splits.setdefault(stem, []).append(path)
    return subsets


def _choose(source: Path, subsets: Mapping[str, _Subset], unit: str | None) -> str:
    wanted = find_language(unit) if unit and unit not in subsets else None
    named = (key for key in subsets if wanted and wanted in _languages(key))
    return chosen_language(source, subsets, next(named, unit), "MTEB set")


def _languages(key: str) -> list[Language]:
    """The languages in the name of a subset: one, or those of passages and queries."""
    if whole := find_language(key):
        return [whole]
    return [known for word in key.split("-") if (known := find_language(word))]


def _of_split(source: Path, splits: Mapping[str, list[Path]], split: str) -> list[Path]:
    """The files of the split, or of the only one."""
    if split in splits or len(splits) == 1:
        return splits.get(split) or next(iter(splits.values()))
    raise InputError(
        f"{source} has judgements in the split {split!r}, but only {', '.join(sorted(splits))} of "
        "the queries or the corpus"
    )


def _id(row: Row) -> str:
    """The name of the field that has the row's id."""
    key = next((key for key in ("_id", "id") if key in row), None)
    if key is None:
        raise InputError(f"{row.where}: no field '_id' or 'id' (has {', '.join(row)})")
    return key


def _qrels(files: list[Path]) -> Qrels:
    qrels: Qrels = {}
    for path in files:
        for row in read_rows(path, _FIELDS):
            query, passage = row.id("query-id"), row.id("corpus-id")
            join_judgements(qrels, query, {passage: grade(row["score"], row.where)}, row.where)
    return qrels


def _queries(files: list[Path], qrels: Qrels) -> dict[str, str]:
    queries: dict[str, str] = {}
    for path in files:
        for row in read_rows(path, ("text",)):
            if (key := row.id(_id(row))) in qrels:
                add_once(queries, key, row.text("text"), row.where)
    return queries


def _sides(
    source: Path, key: str, unit: str | None, queries: Mapping[str, str]
) -> tuple[Language, Language | None]:
    """The likeliest language of the queries, written in their script, and that of the passages."""
    if key == "" and unit:
        return language(unit), None
    named = _languages(key)
    if not named:
        raise InputError(
            f"{source} has no language in the names of its folders: say the queries' language with "
            "--unit"
        )
    script = main_script(" ".join(islice(queries.values(), 1000)))
    for known in [*reversed(named), language("en")]:
        if script in (None, known.script):
            return known, named[-1] if len(named) > 1 and known == named[0] else named[0]
    raise InputError(
        f"{source}: the queries of {key} are in the script {script}, which is that of "
        f"{' or '.join(known.name for known in named)} neither, nor English"
    )


def _passages(files: list[Path]) -> Iterator[Passage]:
    for path in files:
        for row in read_rows(path, ("text",)):
            yield Passage.from_row(row, _id(row))
