"""A collection: English passages, queries in several languages, judgements, provenance.

On disk it is BEIR with languages:

    collection.json       name, licence, source, languages, parallel
    corpus.jsonl          {"_id", "title", "text"}
    queries/<lang>.jsonl  {"_id", "text"}
    qrels.tsv             query-id, corpus-id, score; or qrels/<lang>.tsv where languages differ
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from optical_core.data.compression import on_disk, plain_name
from optical_core.data.corpus import Passage, each_once, write_corpus
from optical_core.data.fields import identifier
from optical_core.data.folders import data_files
from optical_core.data.languages import language
from optical_core.data.lines import read_json, read_jsonl, read_queries, write_jsonl
from optical_core.data.trec import Qrels, read_qrels, write_qrels
from optical_core.errors import InputError
from optical_core.storage import assets, check_path, home, replace_folder, tidy
from optical_core.validation import first_problem

logger = logging.getLogger(__name__)


def check_name(name: str) -> None:
    """Raise InputError for a name under which no collection can be kept.

    Its folder and those of its indexes and results are called so: it must not lead elsewhere.
    """
    if not re.fullmatch(r"[^./\\\0-\x1f][^/\\\0-\x1f]{0,150}", name):
        raise InputError(
            f"{name!r} can't name a collection: up to 150 characters were expected, no slashes, "
            "not beginning with a dot"
        )


class CollectionInfo(BaseModel):
    """Content of collection.json. `parallel`: the same information needs in every language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str = ""
    licence: str
    source: str
    languages: tuple[str, ...]
    parallel: bool

    @field_validator("name")
    @classmethod
    def _no_path(cls, name: str) -> str:
        check_name(name)
        return name

    @field_validator("languages")
    @classmethod
    def _codes(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        """A language's code is the name of its files."""
        for code in codes:
            if not re.fullmatch(r"[A-Za-z]{2,3}([_-][A-Za-z]+)*", code):
                raise ValueError(f"{code!r} is no language code")
        return codes


@dataclass(frozen=True)
class Collection:
    """A collection folder, opened. Passages are streamed; queries and qrels are small."""

    folder: Path
    info: CollectionInfo

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def languages(self) -> tuple[str, ...]:
        return self.info.languages

    def passages(self) -> Iterator[Passage]:
        """Stream the passages in the corpus's order."""
        path = on_disk(self.folder / "corpus.jsonl")
        yield from each_once(map(Passage.from_row, read_jsonl(path, ("_id", "text"))), str(path))

    @cached_property
    def by_id(self) -> dict[str, Passage]:
        """All passages by id, read once: for showing results, not for large corpora."""
        return {passage.id: passage for passage in self.passages()}

    def queries(self, code: str) -> dict[str, str]:
        """Query id -> text in one language."""
        self._check_language(code)
        return read_queries(on_disk(self.folder / "queries" / f"{code}.jsonl"))

    def qrels(self, code: str) -> Qrels:
        """Judgements of one language's queries.

        Judgements of unknown passages are dropped, counted and warned of: trec_eval would count
        them as relevant passages that no system can find.
        """
        self._check_language(code)
        path = self._qrels_file(code)
        qrels = read_qrels(path)
        known = self._passage_ids
        unknown = sum(passage not in known for grades in qrels.values() for passage in grades)
        if unknown:
            logger.warning(
                "%s: %d judgements name passages that are not in the corpus; they are left out",
                path,
                unknown,
            )
        queries = self.queries(code)
        kept = {
            query: {passage: grade for passage, grade in grades.items() if passage in known}
            for query, grades in qrels.items()
            if query in queries
        }
        return {query: grades for query, grades in kept.items() if grades}

    def _qrels_file(self, code: str) -> Path:
        own = on_disk(self.folder / "qrels" / f"{code}.tsv")
        return own if own.exists() else on_disk(self.folder / "qrels.tsv")

    def unknown_judgements(self) -> int:
        """How many judgements name passages that the corpus lacks, which `qrels` leaves out."""
        unknown = Counter(
            passage
            for path in {self._qrels_file(code) for code in self.languages}
            for grades in read_qrels(path).values()
            for passage in grades
        )
        for passage in self.passages():
            unknown.pop(passage.id, None)
        return unknown.total()

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the files, 16 hexadecimal digits: tells whether two measurements are of one."""
        digest = hashlib.blake2b(digest_size=8)
        files = [
            path
            for path in data_files(self.folder)
            if plain_name(path.name).endswith((".jsonl", ".tsv"))
        ]
        for path in sorted(files, key=lambda path: path.relative_to(self.folder).as_posix()):
            digest.update(path.relative_to(self.folder).as_posix().encode())
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()

    @cached_property
    def _passage_ids(self) -> frozenset[str]:
        return frozenset(passage.id for passage in self.passages())

    def _check_language(self, code: str) -> None:
        if code not in self.languages:
            known = language(code).name
            raise InputError(
                f"collection {self.name} has no {known} queries ({code}); "
                f"it has {', '.join(self.languages)}"
            )


def open_collection(name_or_path: str | Path) -> Collection:
    """Open a collection by folder, by the name it was imported under, or `demo`.

    Raises InputError where there is none, or its collection.json is not right.
    """
    check_path(name_or_path)
    tidy(Path(name_or_path).parent)
    candidates = [
        Path(name_or_path),
        home("collections", str(name_or_path)),
        assets("demo", "collection") if str(name_or_path) == "demo" else None,
    ]
    folder = next((c for c in candidates if c and (c / "collection.json").is_file()), None)
    if folder is None:
        raise InputError(
            f"no collection {str(name_or_path)!r}: give a folder with a collection.json, or a name "
            "that `optical collections` lists"
        )
    try:
        info = CollectionInfo.model_validate(read_json(folder / "collection.json"))
    except ValidationError as error:
        raise InputError(f"{folder / 'collection.json'}: {first_problem(error)}") from error
    for code in info.languages:
        language(code)
    return Collection(folder, info)


def installed_collections() -> list[Collection]:
    """The demo and everything imported into the user's folder; what can't be read is left out."""
    folders = [assets("demo", "collection")]
    folders += [
        p.parent for p in sorted(home("collections", "x").parent.glob("[!.]*/collection.json"))
    ]
    found = []
    for folder in folders:
        try:
            found.append(open_collection(folder))
        except InputError as error:
            logger.warning("left out: %s", error)
    return found


def write_collection(
    folder: Path,
    info: CollectionInfo,
    passages: Iterable[Passage],
    queries: Mapping[str, Mapping[str, str]],
    qrels: Qrels | Mapping[str, Qrels],
    *,
    qrels_per_language: bool = False,
) -> Collection:
    """Write a collection folder, whole or not at all.

    `queries`: language -> query id -> text. `qrels`: judgements for all languages, or (with
    `qrels_per_language`) language -> judgements.

    Raises InputError for what couldn't be read back: `info`, an id that comes twice or that runs
    can't hold, no passages or no queries, or half a surrogate pair.
    """
    try:
        with replace_folder(folder) as temporary:
            write_corpus(temporary / "corpus.jsonl", passages, info.name)
            (temporary / "queries").mkdir()
            for code, texts in queries.items():
                if not texts:
                    raise InputError(f"{info.name}: there are no queries in {code}")
                for query in texts:
                    identifier(query, f"{info.name}, queries in {code}")
                rows = ({"_id": identifier, "text": text} for identifier, text in texts.items())
                write_jsonl(temporary / "queries" / f"{code}.jsonl", rows)
            if qrels_per_language:
                for code, judged in qrels.items():
                    write_qrels(temporary / "qrels" / f"{code}.tsv", judged)  # type: ignore[arg-type]
            else:
                write_qrels(temporary / "qrels.tsv", qrels)  # type: ignore[arg-type]
            text = json.dumps(info.model_dump(), indent=2, ensure_ascii=False) + "\n"
            (temporary / "collection.json").write_text(text, encoding="utf-8")
    except UnicodeEncodeError as error:
        held = error.object[max(0, error.start - 30) : error.start]
        raise InputError(
            f"{info.name}: half a surrogate pair, which no file can hold, after {held!r}"
        ) from error
    return open_collection(folder)
