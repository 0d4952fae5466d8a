"""Statistics, samples, import and removal of collections."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd

from optical_core.data.allowance import COMMAND, UPLOADS, Tell, allowed
from optical_core.data.collection import (
    Collection,
    installed_collections,
    is_shipped,
    open_collection,
)
from optical_core.data.folders import is_data
from optical_core.data.languages import language
from optical_core.data.readers import READERS, import_collection
from optical_core.data.trec import trec_order
from optical_core.data.words import words
from optical_core.errors import InputError
from optical_core.retrieval.indexing import collection_indexes
from optical_core.storage import home, replace_folder
from optical_core.ui.paths import typed_path
from optical_core.ui.uploads import unpacked

_NAMES = {
    "beir": "BEIR",
    "trec": "TREC (topics, qrels, documents)",
    "xquad_r": "XQuAD-R",
    "mlqa_r": "MLQA-R",
    "africlirmatrix": "AfriCLIRMatrix",
    "afriqa": "AfriQA",
    "flores200": "FLORES-200",
    "ntrex128": "NTREX-128",
    "belebele": "Belebele",
    "clef": "CLEF 2000-2003 ad hoc",
    "clirmatrix": "CLIRMatrix (BI-139, MULTI-8)",
    "ciral": "CIRAL",
    "miracl": "MIRACL",
    "mkqa": "MKQA (by answer string)",
    "mmarco": "mMARCO",
    "mrtydi": "Mr. TyDi",
    "msmarco": "MS MARCO passages",
    "mteb": "MTEB retrieval (Parquet or JSON Lines)",
    "neuclir": "HC4, NeuCLIR",
    "neuclirbench": "NeuCLIRBench",
    "wikiclir": "WikiCLIR",
    "wikidir": "WikiDIR (German dialects)",
    "xor_tydi": "XOR-TyDi (by answer string)",
}
FORMATS = {"folder": "OPTICAL collection folder"} | {
    form: _NAMES.get(form, form) for form in READERS
}
"""Format -> its name on the page: our own format, and every reader's."""

SAMPLE = 1200
"""Most characters of a sample's passage."""


def statistics(collection: Collection) -> pd.DataFrame:
    """One row per language: queries, judged queries, relevant passages and words per query."""
    rows = []
    for code in collection.languages:
        texts, qrels = collection.queries(code), collection.qrels(code)
        relevant = [sum(grade > 0 for grade in grades.values()) for grades in qrels.values()]
        rows.append(
            {
                "language": language(code).name,
                "queries": len(texts),
                "judged": len(qrels),
                "relevant per query": sum(relevant) / max(len(relevant), 1),
                "words per query": sum(len(words(t)) for t in texts.values()) / max(len(texts), 1),
            }
        )
    return pd.DataFrame(rows)


def samples(collection: Collection, code: str, count: int = 3) -> list[tuple[str, str, str, str]]:
    """(query, its English, title, passage) for a few judged queries of a language.

    The English is empty for an English query, and where it isn't known.
    """
    texts = collection.queries(code)
    english = collection.english
    translated = {} if english in (None, code) else collection.queries(english)
    chosen = []
    for query, grades in collection.qrels(code).items():
        best = trec_order(grades)[0]
        if grades[best] > 0:
            passage = collection.by_id[best]
            chosen.append((texts[query], translated.get(query, ""), passage.title, passage.text))
        if len(chosen) == count:
            break
    return chosen


def import_upload(
    data: bytes,
    form: str,
    name: str,
    *,
    unit: str | None = None,
    file: str = "the zip file",
    tell: Tell | None = None,
) -> Collection:
    """Install a zipped collection under a name.

    Args:
        unit: The part of it to take, see `import_collection`.
        file: What errors call the zip file.
        tell: Called with the progress.

    Raises:
        InputError: If the name is bad or taken, the zip file is unreadable, its content isn't in
            the format, or it is larger than an upload may be.
    """
    target = _target(name)
    with allowed(UPLOADS, tell), unpacked(data, name=file) as folder:
        return _install(folder, form, target, unit)


def import_folder(
    path: str, form: str, name: str, *, unit: str | None = None, tell: Tell | None = None
) -> Collection:
    """Install a collection from a folder, by the path typed in the browser.

    Raises:
        InputError: As for `import_upload`.
    """
    folder = typed_path(path)
    if not folder.is_dir():
        raise InputError(f"no such folder: {path}")
    with allowed(COMMAND, tell):
        return _install(folder, form, _target(name), unit)


def remove_collection(collection: Collection) -> None:
    """Remove an installed collection and its indexes.

    Raises:
        InputError: If the collection is the shipped one.
    """
    if is_shipped(collection):
        raise InputError("the demo collection comes with the package and stays")
    if collection.folder.is_symlink():  # its files are the user's own
        collection.folder.unlink()
    else:
        shutil.rmtree(collection.folder)
    for index in collection_indexes(collection):
        shutil.rmtree(index)


def _target(name: str) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", name):
        raise InputError("give the collection a name of letters, digits, dots and dashes")
    target = home("collections", name)
    if target.exists() or name in {other.name for other in installed_collections()}:
        raise InputError(f"a collection {name!r} is installed already; choose another name")
    return target


def _install(folder: Path, form: str, target: Path, unit: str | None) -> Collection:
    if form in READERS:
        return import_collection(form, folder, target, name=target.name, unit=unit)
    opened = open_collection(folder)
    for code in opened.languages:
        opened.qrels(code)
    info = opened.info.model_copy(update={"name": target.name})
    with replace_folder(target) as temporary:
        shutil.copytree(folder, temporary, ignore=_no_data, dirs_exist_ok=True)
        (temporary / "collection.json").write_text(
            json.dumps(info.model_dump(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    return open_collection(target)


def _no_data(_: str, names: list[str]) -> list[str]:
    return [name for name in names if not is_data(name)]
