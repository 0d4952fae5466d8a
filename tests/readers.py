"""Every reader of the product with a valid input: what property tests and fuzzing share."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from optical_core.analysis.measurements import Comparison
from optical_core.data.bitext import read_bitext
from optical_core.data.collection import Collection, Passage, open_collection
from optical_core.data.dictionaries import read_dictionaries
from optical_core.data.gold import read_gold
from optical_core.data.lexicons import read_lexicon
from optical_core.data.readers import READERS, import_collection
from optical_core.data.trec import read_qrels, read_run
from optical_core.models.info import read_pair
from optical_core.models.pair_store import card_text, load_student
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.live_index import LiveIndex
from optical_core.retrieval.updating import update_index
from optical_core.study.results import read_results
from optical_core.study.study_files import read_study
from optical_core.study.uploaded_results import read_results_zip
from tests.conftest import write_bert
from tests.encoders import RandomEncoder
from tests.samples import (
    BITEXT,
    COLLECTIONS,
    FOLDER,
    RESULTS,
    STUDENT,
    STUDY,
    Files,
    Sample,
    index_files,
    zipped,
)


def look(collection: Collection) -> None:
    """Read all that a collection holds."""
    list(collection.passages())
    for code in collection.languages:
        collection.queries(code)
        collection.qrels(code)
    assert len(collection.fingerprint) == 16


def _imported(form: str, folder: Path) -> None:
    target = folder / "installed" / "out"
    try:
        look(import_collection(form, folder, target))
    finally:
        left = [path.name for path in target.parent.glob("*")] if target.parent.exists() else []
        assert left in ([], ["out"]), f"left behind: {left}"


def _results(folder: Path) -> None:
    found = read_results(folder)
    # What the app does with it: keys of a dictionary, a comparison, finite numbers.
    hash((found.collection, found.fingerprint, found.study, Comparison.of(found)))
    assert np.isfinite(found.table["value"]).all()


def _index(folder: Path) -> None:
    index = LiveIndex(folder)
    for identifier in index.ids:
        index.passage_vectors(identifier)
    index.search(np.ones((2, index.snapshot().manifest.dimension), np.float32))


def _updated_index() -> Files:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "index")
        encoder = cast(TokenEncoder, RandomEncoder())
        build_index(folder, [Passage("p1", "", "sea"), Passage("p2", "", "moon")], encoder)
        update_index(folder, [Passage("p2", "", "sun")], encoder)
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }


def _dataset() -> Files:
    from datasets import Dataset

    with tempfile.TemporaryDirectory() as folder:
        Dataset.from_dict({"en": ["The sea", "Moon"], "sw": ["Bahari", "Mwezi"]}).save_to_disk(
            folder
        )
        return {f"data/{path.name}": path.read_bytes() for path in Path(folder).iterdir()}


@cache
def _teacher() -> TokenEncoder:
    with tempfile.TemporaryDirectory() as folder:
        return TokenEncoder.load(str(write_bert(Path(folder, "bert"))), device="cpu")


def _student(folder: Path) -> None:
    assert card_text(read_pair(folder))
    load_student(folder, _teacher(), "tiny")


def _one(name: str, read: Callable[[Path], Any], folder: Path) -> None:
    read(folder / name)


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _bitext(name: str, folder: Path) -> None:
    read_bitext(folder / name)


SAMPLES: dict[str, Sample] = {
    sample.name: sample
    for sample in (
        *(Sample(form, COLLECTIONS[form], partial(_imported, form)) for form in READERS),
        Sample("collection", FOLDER, lambda folder: look(open_collection(folder))),
        Sample(
            "collection-changed",
            {**FOLDER, "corpus.changes.jsonl": b'{"_id": "p9", "text": "x", "year": 1}\n'},
            lambda folder: look(open_collection(folder)),
        ),
        *(
            Sample(f"bitext-{form}", files, partial(_bitext, next(iter(files))))
            for form, files in BITEXT.items()
        ),
        Sample("bitext-dataset", _dataset(), partial(_bitext, "data")),
        Sample(
            "run",
            {"x.run": b"q1 Q0 d1 1 2.5 bm25\nq1 Q0 d2 2 1e-3 bm25\n"},
            partial(_one, "x.run", read_run),
        ),
        Sample(
            "qrels",
            {"q.tsv": b"query-id\tcorpus-id\tscore\nq1\td1\t1\n"},
            partial(_one, "q.tsv", read_qrels),
        ),
        Sample(
            "qrels-trec", {"q.txt": b"q1 0 d1 1\nq1 0 d2 0\n"}, partial(_one, "q.txt", read_qrels)
        ),
        Sample(
            "gold",
            {"x.src-tgt": b"la mer ||| the blue sea\n", "x.gold": b"1-1 2-3 1p2\n"},
            partial(_one, "x.gold", read_gold),
        ),
        Sample(
            "gold-tsv",
            {"dev.tsv": b"the sea\tel mar azul\t0-0 1-1 1-2\n"},
            partial(_one, "dev.tsv", read_gold),
        ),
        Sample("results", RESULTS, _results),
        Sample(
            "results-zip",
            {"x.zip": zipped({f"mine/{n}": d for n, d in RESULTS.items()})},
            lambda folder: read_results_zip(_content(folder / "x.zip")),
        ),
        Sample("study", {"s.yaml": STUDY}, lambda folder: read_study(str(folder / "s.yaml"))),
        Sample("index", index_files(), _index),
        Sample("index-updated", _updated_index(), _index),
        Sample("student", STUDENT, _student),
        Sample(
            "dictionary",
            {
                "sw.tsv": b"sea\tbahari\nto go\tenda\n",
                "so.tsv": b"bad\tsea\t0.75\n",
                "wiktextract.jsonl": b'{"word": "sea", "lang_code": "en", "translations": '
                b'[{"code": "sw", "word": "bahari"}]}\n',
            },
            lambda folder: read_dictionaries(folder, ["so", "sw"]),
        ),
        Sample(
            "lexicon",
            {"sw.tsv": b"bahari\tsea\t0.75\nbahari\tocean\t0.25\n"},
            partial(_one, "sw.tsv", read_lexicon),
        ),
    )
}
