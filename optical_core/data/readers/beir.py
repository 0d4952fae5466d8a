"""BEIR: corpus.jsonl, queries.jsonl, qrels/test.tsv; also with `queries/<lang>.jsonl`."""

from __future__ import annotations

import logging
from pathlib import Path

from optical_core.data.collection import (
    Collection,
    CollectionInfo,
    open_collection,
    write_collection,
)
from optical_core.data.collection_info import is_parallel
from optical_core.data.compression import on_disk, plain_name
from optical_core.data.folders import MOST_NAMED, data_files
from optical_core.data.language_files import files_of_languages
from optical_core.data.lines import read_queries
from optical_core.data.live_corpus import Corpus
from optical_core.data.readers.judgements import read_judgements
from optical_core.errors import InputError
from optical_core.wording import first_of

logger = logging.getLogger(__name__)

_SPLITS = ("test", "dev", "train")


def import_beir(source: Path, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import a BEIR folder; queries.jsonl counts as English, `queries/<lang>.jsonl` as its own.

    Judgements are in qrels.tsv; or in a folder qrels/, as `<lang>.tsv` for every language or as
    `<split>.tsv`. The split is `unit`, or the first of test, dev and train that is there. A folder
    without any judgements is imported: they can be made (see `judging`). What a collection.json
    says of licence, source, passages and languages is kept.
    """
    _say_passed_over(source)
    files = _query_files(source)
    queries = {code: read_queries(path) for code, path in files.items()}
    judgements = _judgements(source, unit)
    qrels, per_language = read_judgements(judgements, queries)
    names = ", ".join(path.relative_to(source).as_posix() for path in judgements) or "nobody yet"
    if (source / "collection.json").is_file():
        said = open_collection(source)
        first = [code for code in said.languages if code in queries]
        languages = tuple(dict.fromkeys([*first, *queries]))
        info = said.info.model_copy(update={"name": name, "languages": languages})
    else:
        info = CollectionInfo(
            name=name,
            description=f"Imported from the BEIR folder {source.name}, judged by {names}.",
            licence="as the source's",
            source=str(source),
            languages=tuple(queries),
            parallel=is_parallel(queries),
        )
    passages = Corpus(source).passages()
    return write_collection(target, info, passages, queries, qrels, qrels_per_language=per_language)


def _query_files(source: Path) -> dict[str, Path]:
    files = files_of_languages(source / "queries", ".jsonl")
    plain = on_disk(source / "queries.jsonl")
    if plain.is_file() or not files:
        if "en" in files:
            raise InputError(f"{files['en']} and {plain} are both queries in en: give one")
        files["en"] = plain
    return files


def _say_passed_over(source: Path) -> None:
    """Warn of files beside queries and judgements that have another form."""
    for name, ending in (("queries", ".jsonl"), ("qrels", ".tsv")):
        read = data_files(source / name, f"*{ending}", deep=False)
        others = [f.name for f in data_files(source / name, deep=False) if f not in read]
        if others:
            named = first_of(others, MOST_NAMED)
            logger.warning("%s: passed over, *%s was expected: %s", source / name, ending, named)


def _judgements(source: Path, unit: str | None) -> dict[Path, str]:
    """The files to read, each with its name for `read_judgements`."""
    plain = on_disk(source / "qrels.tsv")
    by_name = {
        plain_name(path.name)[: -len(".tsv")].lower(): path
        for path in data_files(source / "qrels", "*.tsv", deep=False)
    }
    if plain.is_file() and by_name:
        raise InputError(
            f"{source} has qrels.tsv and qrels/{min(by_name)}.tsv: which one counts? "
            "Take the other away"
        )
    if plain.is_file() and unit is None:
        return {plain: ""}
    split = (unit or "").lower() or next((split for split in _SPLITS if split in by_name), None)
    if split is None and by_name:
        return {path: named for named, path in by_name.items()}
    if split is None:
        logger.warning("%s has no judgements: nothing can be measured before you judge", source)
        return {}
    if split not in by_name:
        raise InputError(f"{source} has no qrels/{split}.tsv")
    if left_out := sorted(by_name.keys() - {split}):
        logger.warning(
            "%s: judged by qrels/%s.tsv; left out: %s (--unit takes another split)",
            source,
            split,
            ", ".join(left_out),
        )
    return {by_name[split]: ""}
