"""A collection: English passages, queries in several languages, judgements, provenance.

On disk it has BEIR's form, with languages:

    collection.json       name, licence, source, languages, parallel
    corpus.jsonl          {"_id", "title", "text"}, and any other fields, such as "lang"
    corpus.changes.jsonl  what has changed since, see `changes`
    queries/<lang>.jsonl  {"_id", "text"}
    qrels.tsv             query-id, corpus-id, score; or qrels/<lang>.tsv where languages differ
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from optical_core.data.collection_info import CollectionInfo
from optical_core.data.compression import on_disk
from optical_core.data.corpus import Passage, write_corpus
from optical_core.data.fields import identifier
from optical_core.data.folders import content_hash
from optical_core.data.language_files import file_of
from optical_core.data.languages import is_english, language, matching
from optical_core.data.lines import read_json, read_queries, write_jsonl
from optical_core.data.live_corpus import Corpus
from optical_core.data.trec import Qrels, read_qrels, write_qrels
from optical_core.errors import InputError
from optical_core.paths import check_path
from optical_core.storage import assets, home, replace_folder, tidy
from optical_core.validation import validated
from optical_core.wording import counted

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Collection:
    """An opened collection folder. Passages are streamed; queries and qrels are small.

    Attributes:
        folder: where its files are.
        info: name, licence, source and languages, from collection.json.

    Examples:
        >>> demo = open_collection("demo")
        >>> demo.languages[:3], len(demo.by_id), len(demo.queries("sw"))
        (('en', 'fr', 'de'), 420, 130)
    """

    folder: Path
    info: CollectionInfo

    @property
    def name(self) -> str:
        return self.info.name

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Codes of the query languages, in their one form (`info` may have others)."""
        return tuple(self._stems)

    @cached_property
    def _stems(self) -> dict[str, str]:
        """Code -> its form in collection.json and in the names of files."""
        return {language(stem).code: stem for stem in self.info.languages}

    @property
    def english(self) -> str | None:
        """The code of the English queries, `en` if there are several; None without any."""
        codes = [code for code in self.languages if is_english(code)]
        return "en" if "en" in codes else next(iter(codes), None)

    def select(self, codes: Iterable[str]) -> list[str]:
        """The query languages that `codes` stand for; see `languages.matching`.

        Raises:
            InputError: the collection lacks one of them.
        """
        selected: dict[str, None] = {}
        for code in codes:
            chosen = matching(code, self.languages)
            if not chosen:
                self._check_language(code)
            selected |= dict.fromkeys(chosen)
        return list(selected)

    def select_or_all(self, codes: Iterable[str]) -> list[str]:
        """The query languages that `codes` stand for; all of them if there are none.

        Raises:
            InputError: the collection lacks one of them, or has no queries at all.
        """
        selected = self.select(codes) or list(self.languages)
        if not selected:
            raise InputError(f"{self.name} has no queries: queries/<language>.jsonl was expected")
        return selected

    def passages(self) -> Iterator[Passage]:
        """Stream the passages in the order of the corpus."""
        return self.corpus.passages()

    @cached_property
    def corpus(self) -> Corpus:
        """The passages, and when they were read."""
        return Corpus(self.folder)

    @property
    def by_id(self) -> dict[str, Passage]:
        """All passages by id, read once: to show results, not for large corpora."""
        return self.corpus.by_id

    def refreshed(self) -> Collection:
        """The collection with its present passages; itself if they haven't changed."""
        corpus = self.corpus.refreshed()
        if corpus is self.corpus:
            return self
        fresh = replace(self)
        vars(fresh)["corpus"] = corpus
        return fresh

    def queries(self, code: str) -> dict[str, str]:
        """Query id -> text in one language.

        Raises:
            InputError: the collection has no queries in the language.
        """
        return read_queries(
            on_disk(self.folder / "queries" / f"{self._check_language(code)}.jsonl")
        )

    def qrels(self, code: str) -> Qrels:
        """Judgements of one language's queries.

        Judgements of unknown passages are left out with a warning: trec_eval would count them as
        relevant passages that no system can find.

        Raises:
            InputError: the collection has no queries in the language.
        """
        self._check_language(code)
        path = self.qrels_file(code)
        qrels = read_qrels(path)
        known = self.corpus.ids
        unknown = sum(passage not in known for grades in qrels.values() for passage in grades)
        if unknown:
            named = counted(unknown, "judgement names a passage", "judgements name passages")
            logger.warning("%s: %s that the corpus lacks: left out", path, named)
        queries = self.queries(code)
        kept = {
            query: {passage: grade for passage, grade in grades.items() if passage in known}
            for query, grades in qrels.items()
            if query in queries
        }
        return {query: grades for query, grades in kept.items() if grades}

    def qrels_file(self, code: str) -> Path:
        """The file of one language's judgements: its own, or that of all languages."""
        of_language = file_of(self.folder / "qrels", language(code).code, ".tsv")
        return of_language or on_disk(self.folder / "qrels.tsv")

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the files, 16 hexadecimal digits: equal for equal collections."""
        return content_hash(self.folder, "*.jsonl", "*.tsv")

    def _check_language(self, code: str) -> str:
        """The stem of a language's files.

        Raises:
            InputError: the collection has no queries in the language.
        """
        known = language(code)
        if known.code not in self._stems:
            raise InputError(
                f"collection {self.name} has no {known.name} queries ({known.code}); "
                f"it has {', '.join(self.languages)}"
            )
        return self._stems[known.code]


def open_collection(name_or_path: str | Path) -> Collection:
    """Open a collection.

    Args:
        name_or_path: a folder, the name that it was imported under, or `demo`.

    Raises:
        InputError: there is no such collection, or its collection.json is wrong.

    Examples:
        >>> open_collection("demo").info.parallel
        True
    """
    check_path(name_or_path)
    tidy(Path(name_or_path).parent)
    candidates = [Path(name_or_path)]
    if Path(name_or_path).name == str(name_or_path) != "..":
        candidates.append(home("collections", str(name_or_path)))
    if str(name_or_path) == "demo":
        candidates.append(assets("demo", "collection"))
    folder = next((c for c in candidates if (c / "collection.json").is_file()), None)
    if folder is None:
        raise InputError(
            f"no collection {str(name_or_path)!r}: give a folder with a collection.json, or a name "
            "that `optical collections` lists"
        )
    path = folder / "collection.json"
    return Collection(folder, validated(CollectionInfo, read_json(path), str(path)))


def is_shipped(collection: Collection) -> bool:
    """Is it the collection that comes with the package? That one stays as it is."""
    return collection.folder.resolve() == assets("demo", "collection").resolve()


def installed_folders() -> list[Path]:
    """The demo's folder, and those of all imported collections."""
    files = sorted(home("collections", "x").parent.glob("[!.]*/collection.json"))
    return [assets("demo", "collection"), *(file.parent for file in files)]


def installed_collections() -> list[Collection]:
    """The demo and all imported collections; those that can't be read are left out."""
    opened = []
    for folder in installed_folders():
        try:
            opened.append(open_collection(folder))
        except InputError as error:
            logger.warning("left out: %s", error)
    return opened


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

    Args:
        folder: where; an existing one is replaced.
        info: content of collection.json.
        passages: may be streamed.
        queries: language -> query id -> text.
        qrels: judgements for all languages, or with `qrels_per_language` language -> judgements.
        qrels_per_language: have the languages judgements of their own?

    Raises:
        InputError: the collection couldn't be read back: `info` is wrong, an id comes twice or
            can't be written to a run, there are no passages or no queries, or a text has half a
            surrogate pair.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> info = CollectionInfo(
        ...     name="sea", licence="CC0", source="own", languages=("sw",), parallel=False
        ... )
        >>> passages = [Passage("p1", "Sea", "The sea is salty.")]
        >>> queries, qrels = {"sw": {"q1": "chumvi ya bahari"}}, {"q1": {"p1": 1}}
        >>> with TemporaryDirectory() as folder:
        ...     write_collection(Path(folder, "sea"), info, passages, queries, qrels).qrels("sw")
        {'q1': {'p1': 1}}
    """
    try:
        with replace_folder(folder, ["collection.json"]) as temporary:
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
            # The folder that it was imported from may have a name that no file can hold.
            (temporary / "collection.json").write_text(text, encoding="utf-8", errors="replace")
    except UnicodeEncodeError as error:
        held = error.object[max(0, error.start - 30) : error.start]
        raise InputError(
            f"{info.name}: half a surrogate pair, which no file can hold, after {held!r}"
        ) from error
    return open_collection(folder)
