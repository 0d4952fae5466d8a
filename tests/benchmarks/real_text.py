"""Real collections with token vectors of the embedded encoder, for benchmarks of indexes.

`NTREX` (1,874 news sentences), `LiveQA` (446 answers about health), and `mixed`: passages of up to
60 words, drawn from the training sets of `english_relevance`, with 300 of their queries. Their
folders are under `$OPTICAL_BENCH_DATA` or `../shared/data`. A collection is encoded once and kept
under bench/ of the home.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from optical_core.data.collection import Collection, open_collection, write_collection
from optical_core.data.collection_info import CollectionInfo
from optical_core.data.corpus import Passage
from optical_core.data.readers import import_collection
from optical_core.data.trec import Qrels
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.token_index import TokenIndex
from optical_core.storage import home

NAMES = ("NTREX", "LiveQA", "mixed")
MIXED_QUERIES = 300
MOST_WORDS = 60
_FORMS = {
    "NTREX": ("ntrex128", "ntrex128"),
    "LiveQA": ("beir", "english_relevance/test-liveqa-med"),
}
_RELEVANT = {"LiveQA": 2}
"""The least grade that counts as relevant, where it isn't 1."""


@dataclass(frozen=True)
class RealText:
    """An encoded collection.

    Attributes:
        name: of the collection.
        index: its fp16 token vectors.
        queries: query id -> vectors (n, d), of the English queries.
        qrels: their judgements, 1 for relevant.
    """

    name: str
    index: TokenIndex
    queries: Mapping[str, np.ndarray]
    qrels: Qrels


def real_text(name: str, *, passages: int = 10_000) -> RealText:
    """Open a collection of `NAMES`; encode it first if it is new.

    Args:
        name: of the collection.
        passages: of `mixed`.

    Raises:
        InputError: its data are missing.
    """
    collection = _mixed(passages) if name == "mixed" else _imported(name)
    encoder = TokenEncoder.load("embedded")
    folder = home("bench", f"real-{collection.folder.name}-{encoder.hash}")
    if not (folder / "index.json").is_file():
        build_index(folder, collection.passages(), encoder, progress=True)
    least = _RELEVANT.get(name, 1)
    qrels = {
        query: {passage: int(grade >= least) for passage, grade in grades.items()}
        for query, grades in collection.qrels("en").items()
    }
    texts = {query: text for query, text in collection.queries("en").items() if query in qrels}
    vectors = encoder.encode_queries(list(texts.values()))
    return RealText(name, TokenIndex.open(folder), dict(zip(texts, vectors, strict=True)), qrels)


def data_folder() -> Path:
    """The folder of published data.

    Raises:
        InputError: there is none.
    """
    named = os.environ.get("OPTICAL_BENCH_DATA")
    folder = Path(named) if named else Path(__file__).parents[3] / "shared/data"
    if not (folder / "english_relevance").is_dir():
        raise InputError("OPTICAL_BENCH_DATA must name a folder with ntrex128, english_relevance")
    return folder


def _imported(name: str) -> Collection:
    target = home("bench", f"text-{name}")
    if not (target / "collection.json").is_file():
        form, source = _FORMS[name]
        import_collection(form, data_folder() / source, target, name=name)
    return open_collection(target)


def _mixed(count: int) -> Collection:
    """Short passages of all training sets: those that drawn queries want, others at random."""
    target = home("bench", f"text-mixed-{count}")
    if (target / "collection.json").is_file():
        return open_collection(target)
    passages: dict[str, Passage] = {}
    queries: dict[str, str] = {}
    qrels: Qrels = {}
    for folder in sorted((data_folder() / "english_relevance").iterdir()):
        if not folder.is_dir() or folder.name.startswith("test-"):
            continue
        part = import_collection(
            "beir", folder, home("bench", f"text-part-{folder.name}"), name=folder.name
        )
        for passage in part.passages():
            name = f"{folder.name}/{passage.id}"
            if len(passage.full_text.split()) <= MOST_WORDS:
                passages[name] = Passage(name, passage.title, passage.text)
        queries |= {f"{folder.name}/{key}": text for key, text in part.queries("en").items()}
        qrels |= {
            f"{folder.name}/{key}": {f"{folder.name}/{p}": grade for p, grade in grades.items()}
            for key, grades in part.qrels("en").items()
        }
    draw = np.random.default_rng(0)
    asked = sorted(query for query in queries if qrels.get(query, {}).keys() & passages.keys())
    chosen = [asked[place] for place in draw.permutation(len(asked))[:MIXED_QUERIES]]
    wanted = {passage for query in chosen for passage in qrels[query] if passage in passages}
    rest = sorted(passages.keys() - wanted)
    wanted |= {rest[place] for place in draw.permutation(len(rest))[: count - len(wanted)]}
    info = CollectionInfo(
        name="mixed", licence="as the sources'", source="", languages=("en",), parallel=False
    )
    return write_collection(
        target,
        info,
        (passage for name, passage in passages.items() if name in wanted),
        {"en": {query: queries[query] for query in chosen}},
        {
            query: {passage: grade for passage, grade in qrels[query].items() if passage in wanted}
            for query in chosen
        },
    )
