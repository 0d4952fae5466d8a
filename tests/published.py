"""Small retrieval sets in the layouts in which they are published: made-up needs, one a word.

Each need asks for a word, and its relevant passage repeats it. Queries of other languages have the
words written backwards. Sets with different seeds have no sentence in common.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.conftest import WORDS

NEEDS = WORDS[6:22]
NAMES = {"de": "german", "en": "english", "fr": "french", "it": "italian"}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def asked(word: str, code: str, seed: int) -> str:
    """A query for a word in a language."""
    words = f"where is {WORDS[seed]} {word} {code}".split()
    return " ".join(words if code == "en" else (each[::-1] for each in words))


def passage(word: str, seed: int) -> str:
    generator = random.Random(f"{word} {seed}")
    return f"{word} {generator.choice(WORDS)} {word} {WORDS[seed]} the {generator.choice(WORDS)}"


def lines(rows: Iterable[Sequence[object]]) -> str:
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


def write_marco(folder: Path, split: str, *, seed: int = 1) -> Path:
    """MS MARCO: English queries, English passages."""
    numbered = list(enumerate(NEEDS))
    write(folder / "collection.tsv", lines((n, passage(w, seed)) for n, w in numbered))
    write(folder / f"queries.{split}.tsv", lines((n, asked(w, "en", seed)) for n, w in numbered))
    write(folder / f"qrels.{split}.tsv", lines((n, 0, n, 1) for n, _ in numbered))
    return folder


def write_mmarco(folder: Path, codes: Iterable[str], split: str, *, seed: int = 2) -> Path:
    """MS MARCO's queries translated, over the English passages."""
    numbered = list(enumerate(NEEDS))
    corpus = lines((n, passage(w, seed)) for n, w in numbered)
    write(folder / "collections" / "english_collection.tsv", corpus)
    for code in codes:
        path = folder / "queries" / split / f"{NAMES[code]}_queries.{split}.tsv"
        write(path, lines((n, asked(w, code, seed)) for n, w in numbered))
    write(folder / f"qrels.{split}.tsv", lines((n, 0, n, 1) for n, _ in numbered))
    return folder


def write_clirmatrix(folder: Path, codes: Iterable[str], split: str, *, seed: int = 3) -> Path:
    """Titles in many languages, graded English articles."""
    numbered = list(enumerate(NEEDS))
    write(folder / "DOCS" / "en.tsv.gz", lines((f"d{n}", passage(w, seed)) for n, w in numbered))
    for code in codes:
        rows = [
            {
                "src_id": str(n),
                "src_query": asked(word, code, seed),
                "tgt_results": [[f"d{n}", 6], [f"d{(n + 1) % len(NEEDS)}", 0]],
            }
            for n, word in numbered
        ]
        path = folder / "BI-139" / "base" / code / f"{code}.en.{split}.base.jl.gz"
        write(path, "".join(json.dumps(row) + "\n" for row in rows))
    return folder


def write_wikiclir(folder: Path, split: str, *, seed: int = 4) -> Path:
    """WikiCLIR of 2014: German sentences, English articles."""
    numbered = list(enumerate(NEEDS))
    write(folder / f"{split}.queries", lines((n, asked(w, "de", seed)) for n, w in numbered))
    write(folder / f"{split}.docs", lines((n, passage(w, seed)) for n, w in numbered))
    write(folder / f"{split}.qrels", lines((n, n, 3) for n, _ in numbered))
    return folder


def write_miracl(folder: Path, codes: Iterable[str], splits: Iterable[str] = ("dev",)) -> Path:
    """Queries and passages in one language, of several languages; splits share their passages."""
    for code in codes:
        rows = [
            {"docid": f"{n}#0", "title": "", "text": asked(f"{word} {word}", code, 5)}
            for n, word in enumerate(NEEDS)
        ]
        corpus = folder / f"miracl-corpus-v1.0-{code}" / "docs-0.jsonl.gz"
        write(corpus, "".join(json.dumps(row) + "\n" for row in rows))
        for seed, split in enumerate(splits, 6):
            place, stem = folder / f"miracl-v1.0-{code}", f"miracl-v1.0-{code}-{split}.tsv"
            topics = lines((f"{n}#0", asked(w, code, seed)) for n, w in enumerate(NEEDS))
            write(place / "topics" / f"topics.{stem}", topics)
            judged = lines((f"{n}#0", "Q0", f"{n}#0", 1) for n in range(len(NEEDS)))
            write(place / "qrels" / f"qrels.{stem}", judged)
    return folder


def write_clef(folder: Path, codes: Iterable[str], *, seed: int = 9) -> Path:
    """CLEF ad hoc: topics in many languages, English newspapers."""
    documents = "".join(
        f"<DOC>\n<DOCNO> LA{n:06d}-0001 </DOCNO>\n<TEXT>\n{passage(word, seed)}\n</TEXT>\n</DOC>\n"
        for n, word in enumerate(NEEDS)
    )
    write(folder / "DocumentData" / "English_data" / "la.gz", documents)
    for code in codes:
        letters = code.upper()
        topics = "".join(
            f"<top>\n<num> C{n + 41:03d} </num>\n<{letters}-title> {asked(word, code, seed)} "
            f"</{letters}-title>\n<{letters}-desc> {asked(word, code, seed)} </{letters}-desc>\n"
            f"<{letters}-narr> x </{letters}-narr>\n</top>\n"
            for n, word in enumerate(NEEDS)
        )
        write(folder / "Topics" / f"Top-{code}01.txt", topics)
    judged = "".join(f"{n + 41} 0 LA{n:06d}-0001 1\n" for n in range(len(NEEDS)))
    write(folder / "RelAssess" / "qrels_english", judged)
    return folder


def write_bitext(folder: Path, codes: Iterable[str]) -> Path:
    """A Moses pair a language, named by its codes."""
    for code in codes:
        pairs = [(asked(word, code, 12), asked(word, "en", 12)) for word in NEEDS]
        write(folder / f"train.{code}-en.{code}", "".join(f"{foreign}\n" for foreign, _ in pairs))
        write(folder / f"train.{code}-en.en", "".join(f"{english}\n" for _, english in pairs))
    return folder
