"""A valid input of every reader, small, in the published form: what the property tests damage."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pyarrow import Table
from pyarrow.parquet import write_table
from safetensors.numpy import save

Files = dict[str, bytes]
"""Path inside a folder -> content."""


@dataclass(frozen=True)
class Sample:
    """A reader with an input that it reads: `read` takes the folder that `files` lie in.

    `read` looks at all of what it was given, so that damage can't hide in what is read later.
    """

    name: str
    files: Files
    read: Callable[[Path], Any]


def write_files(folder: Path, files: Files) -> Path:
    """Put the files where they belong; returns the folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def _rows(*rows: Any) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def zipped(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _parquet(columns: dict[str, list[Any]]) -> bytes:
    buffer = io.BytesIO()
    write_table(Table.from_pydict(columns), buffer)
    return buffer.getvalue()


def _squad(question: str) -> bytes:
    paragraph = {"context": "The sea is salty.", "qas": [{"id": "a1", "question": question}]}
    return _rows({"data": [{"title": "The_Sea", "paragraphs": [paragraph]}], "version": "1"})


def _belebele(dialect: str) -> bytes:
    row = {"link": "x/1", "flores_passage": "The sea is salty.", "dialect": dialect}
    return _rows(*({**row, "question_number": n, "question": f"{dialect} {n}?"} for n in (1, 2)))


_DOCS = b"<DOC>\n<DOCNO> LA-1 </DOCNO>\n<TEXT>Salt &amp; water.\n</TEXT></DOC>\n"
_TOP = b"<top>\n<num> C041 </num>\n<SO-title> badda </SO-title>\n<SO-desc> cusbo </SO-desc>\n</top>"
_LINES = b"headline\nbody one\nbody two\nother\nrest\nlone\n"
_TOPIC = {"lang": "eng", "source": "original", "topic_title": "Sea", "topic_description": "Salt?"}
_AFRIQA = {"id": "0", "title": None, "context": "The sea.", "question_lang": "Me?"}

COLLECTIONS: dict[str, Files] = {
    "beir": {
        "corpus.jsonl": _rows({"_id": "d1", "title": "Sea", "text": "salty"}),
        "queries/en.jsonl": _rows({"_id": "q1", "text": "why"}),
        "queries/swh.jsonl": _rows({"_id": "q1", "text": "kwa nini"}),
        "qrels/test.tsv": b"query-id\tcorpus-id\tscore\nq1\td1\t1\n",
    },
    "trec": {
        "docs.sgml": _DOCS,
        "docs.tsv": b"LA-2\tmoon\n",
        "topics.so.txt": b"<top>\n<num> Number: 141\n<title> badda milixda\n</top>\n",
        "topics.sw.tsv": b"141\tbahari\n",
        "qrels.txt": b"141 0 LA-1 1\n141 0 LA-2 0\n",
    },
    "xquad_r": {"xquad-r/en.json": _squad("Is it?"), "xquad-r/hi.json": _squad("क्या?")},
    "afriqa": {
        "gold_passages/hau/gold_span_passages.afriqa.hau.en.dev.json": _rows(
            {**_AFRIQA, "question_translated": "Why?"},
            {**_AFRIQA, "id": "1", "title": "T", "question_translated": "What?"},
        )
    },
    "flores200": {
        "metadata_dev.tsv": b"URL\tdomain\n" + b"".join(b"%c\twiki\n" % c for c in b"aaabbc"),
        "dev/eng_Latn.dev": _LINES,
        "dev/som_Latn.dev": _LINES,
    },
    "ntrex128": {
        "DOCUMENT_IDS.tsv": b"a\na\na\nb\nb\nc\n",
        "newstest2019-src.eng.txt": _LINES,
        "newstest2019-ref.fil.txt": _LINES,
    },
    "belebele": {"eng_Latn.jsonl": _belebele("en"), "som_Latn.jsonl": _belebele("so")},
    "ciral": {
        "topics/topics.ciral-v1.0-so-test-a.tsv": b"1\twhy is the sea salty\n",
        "qrels/qrels.ciral-v1.0-so-test-a.tsv": b"1 Q0 d1 1\n",
        "corpus/somali.jsonl": _rows({"docid": "d1", "title": "Bad", "text": "cusbo"}),
    },
    "clef": {
        "DocumentData/English/la010194.sgml": _DOCS,
        "Topics2001/Top-so01.txt": _TOP,
        "Topics2001/clef-en-2000-2003_SWAHILI.txt": b"query_id: C041\ntitle: bahari\n"
        b"description: chumvi\n",
        "RelAssess/qrels_english": b"41 0 LA-1 1\n",
    },
    "clirmatrix": {
        "DOCS/en.tsv": b"d1\tsalty water\nd2\tcold star\n",
        "MULTI-8/so/so.en.test1.jl": _rows(
            {"src_id": "1", "src_query": "badda", "tgt_results": [["d1", 6], ["d2", 0]]}
        ),
    },
    "miracl": {
        "miracl-v1.0-sw/topics/topics.miracl-v1.0-sw-dev.tsv": b"7#0\tbahari ni nini\n",
        "miracl-v1.0-sw/qrels/qrels.miracl-v1.0-sw-dev.tsv": b"7#0\tQ0\t12#3\t1\n",
        "miracl-corpus-v1.0-sw/docs-0.jsonl.gz": gzip.compress(
            _rows({"docid": "12#3", "title": "Bahari", "text": "maji"}), mtime=0
        ),
    },
    "mmarco": {
        "collections/english_collection.tsv": b"1\tsalty water\n2\tcold star\n",
        "queries/dev/german_queries.dev.small.tsv": b"5\tsalziges Meer\n",
        "qrels.dev.small.tsv": b"5 0 1 1\n",
    },
    "mrtydi": {
        "mrtydi-v1.1-swahili/topic.test.tsv": b"0\tBahari ni nini?\n",
        "mrtydi-v1.1-swahili/qrels.test.txt": b"0 Q0 7#1 1\n",
        "mrtydi-v1.1-swahili/collection/docs.jsonl": _rows(
            {"id": "7#1", "contents": "Bahari\n\nMaji ya chumvi."},
            {"docid": "8#0", "title": "Mwezi", "text": "baridi"},
        ),
    },
    "msmarco": {
        "collection.tsv": b"1\tsalty water\n",
        "queries.dev.small.tsv": b"5\tsalty sea\n",
        "qrels.dev.small.tsv": b"5\t0\t1\t1\n",
    },
    "neuclir": {
        "topics.jsonl": _rows({"topic_id": "101", "topics": [_TOPIC]}),
        "qrels.rus.txt": b"101 0 d1 3\n",
        "rus/docs.jsonl": _rows({"id": "d1", "title": "More", "text": "sol"}),
    },
    "mlqa_r": {"mlqa-r/en.json": _squad("Is it?"), "mlqa-r/vi.json": _squad("Sao?")},
    "africlirmatrix": {
        "test/queries/topics.africlirmatrix-v1.0.en.som.tsv": b"12\tSea\n",
        "test/qrels/qrels.africlirmatrix-v1.0.en.som.txt": b"12 Q0 7 5\n12 Q0 8 4\n",
        "africlirmatrix-v1.0-somali/corpus.jsonl": _rows(
            {"id": "7", "contents": "Bad cusbo leh"}, {"id": "8", "contents": "Dayax"}
        ),
    },
    "mkqa": {
        "mkqa.jsonl.gz": gzip.compress(
            _rows(
                {
                    "example_id": -5,
                    "query": "which sea",
                    "queries": {"en": "which sea", "zh_cn": "哪个海"},
                    "answers": {
                        "en": [{"type": "entity", "text": "Red Sea", "aliases": ["the red sea"]}]
                    },
                }
            ),
            mtime=0,
        ),
        "psgs_w100.tsv": b'id\ttext\ttitle\n1\t"The ""Red"" Sea is salty."\tSea\n',
    },
    "xor_tydi": {
        "xor_dev_retrieve_eng_span_v1_1.jsonl": _rows(
            {"id": "7", "question": "море?", "lang": "ru", "answers": ["Red Sea"], "split": "dev"}
        ),
        "enwiki_20190201_w100.tsv": b"id\ttext\ttitle\n1\tThe Red Sea is salty.\tSea\n",
    },
    "mteb": {
        "swa-eng-corpus/test-00000-of-00001.parquet": _parquet(
            {"_id": ["d1", "d2"], "title": ["Bahari", ""], "text": ["chumvi", "mwezi"]}
        ),
        "swa-eng-queries/test-00000-of-00001.parquet": _parquet({"id": ["q1"], "text": ["sea"]}),
        "swa-eng-qrels/test.jsonl": _rows({"query-id": "q1", "corpus-id": "d1", "score": 1}),
    },
    "neuclirbench": {
        "bench/data/news.eng.tsv": b"101\tsalt in the sea\n",
        "bench/data/news.rus.tsv": "101\tсоль в море\n".encode(),
        "bench/data/qrels.rus.gains.txt": b"101 0 d1 3\n",
        "neuclir1/data/rus-00000-of-00001.jsonl.gz": gzip.compress(
            _rows({"id": "d1", "title": "More", "text": "sol", "url": "x"}), mtime=0
        ),
    },
    "wikidir": {
        "de.bar/docs.jsonl": _rows({"id": "7", "contents": "s Wossa"}),
        "de.bar/test.jsonl": _rows(
            {"src_id": "12", "src_query": "Meer", "tgt_results": [["7", 6]]}
        ),
    },
    "wikiclir": {
        "wiki_sw.documents": b"7\tBahari\tmaji ya chumvi\n8\tMwezi\tjua\n",
        "en2sw.rel": b"12\t7\t2\n12\t8\t1\n",
        "english/wiki_en.queries": b"12\tSea\tis salty water\n",
    },
}
"""Reader of `optical data import` -> a folder that it reads."""

FOLDER: Files = {
    "collection.json": _rows(
        {
            "name": "tiny",
            "licence": "CC0",
            "source": "the tests",
            "languages": ["en", "sw"],
            "parallel": True,
        }
    ),
    "corpus.jsonl": _rows(
        {"_id": "p1", "title": "Sea", "text": "salty"}, {"_id": "p2", "title": "", "text": "cold"}
    ),
    "queries/en.jsonl": _rows({"_id": "q1", "text": "why salty"}),
    "queries/sw.jsonl": _rows({"_id": "q1", "text": "chumvi"}),
    "qrels.tsv": b"query-id\tcorpus-id\tscore\nq1\tp1\t2\n",
}

TMX = b"""<?xml version="1.0" encoding="UTF-8"?>
<tmx version="1.4"><header srclang="en"/><body>
<tu tuid="1"><tuv xml:lang="en"><seg>The sea is <b>salty</b>.</seg></tuv>
<tuv xml:lang="sw"><seg>Bahari ni chumvi.</seg></tuv></tu></body></tmx>"""

BITEXT: dict[str, Files] = {
    "tsv": {"news.sw.tsv": b"The sea\tBahari\nThe moon\tMwezi\n"},
    "tsv-header": {"all.tsv": b"en\tsw\tso\nThe sea\tbahari\tbadda\n"},
    "tsv-gz": {"news.sw.tsv.gz": gzip.compress(b"The sea\tBahari\n", mtime=0)},
    "moses": {"news.en": b"The sea\nThe moon\n", "news.sw": b"Bahari\nMwezi\n"},
    "moses-txt": {"eng.txt": b"The sea\n", "swa.txt": b"Bahari\n"},
    "tmx": {"memory.tmx": TMX},
    "tmx-zip": {"memory.tmx.zip": zipped({"memory.tmx": TMX})},
    "jsonl": {
        "pairs.jsonl": _rows(
            {"en": "The sea", "sw": "Bahari"},
            {"english": "Moon", "foreign": "Mwezi", "language": "sw"},
            {"translation": {"en": "Sun", "sw": "Jua"}},
        )
    },
}

RESULTS: Files = {
    "record.json": _rows(
        {
            "collection": {"name": "tiny"},
            "models": ["bm25"],
            "languages": ["en"],
            "parallel": True,
            "fingerprint": "0" * 16,
            "study": "s",
            "students": {"arm": "student"},
        }
    ),
    "bm25/en.csv": b"query,AP,RR\nq1,0.5,1\nq2,0,0.25\n",
}

STUDENT: Files = {
    "retriever.json": _rows(
        {
            "format": 1,
            "name": "tiny",
            "teacher": "embedded",
            "teacher_hash": "0" * 16,
            "card": {"languages": ["sw"], "data": ["x"], "recipe": {"steps": 1}},
        }
    ),
    "changed.safetensors": save(
        {"0.model.encoder.layer.0.output.dense.bias": np.ones(32, np.float32)}
    ),
}
"""A student of a tiny BERT (see `tests.conftest.write_bert`)."""

STUDY = b"""name: tiny
collections: [demo, {name: x, form: beir, path: /tmp/x, languages: [en]}]
models: [embedded, bm25]
training: {bitext: [demo], steps: 60}
arms:
  optical: {}
  greedy: {objective: greedy}
  tlm+optical: {start: optical}
seeds: [1, 2]
languages: [en, sw]
"""


def index_files(passages: int = 3, tokens: int = 2, dimension: int = 4) -> Files:
    """A token index: each passage has `tokens` vectors."""
    vectors = np.random.default_rng(0).normal(size=(passages * tokens, dimension))
    info = {
        "format": 1,
        "encoder": "tiny",
        "encoder_hash": "0" * 16,
        "dimension": dimension,
        "passages": passages,
        "tokens": passages * tokens,
        "texts": None,
    }
    return {
        "index.json": json.dumps(info).encode(),
        "ids.json": json.dumps([f"p{n}" for n in range(passages)]).encode(),
        "offsets.i64": (np.arange(passages + 1) * tokens).astype(np.int64).tobytes(),
        "vectors.f16": vectors.astype(np.float16).tobytes(),
    }
