"""WikiDIR (Litschko et al., COLING 2025): German queries, Wikipedia articles in a dialect.

    de.<dialect>/docs.jsonl                      {"id", "contents"}
    de.<dialect>/{test,dev,train,…}.jsonl        CLIRMatrix's lines, see `clirmatrix`

A dialect is named as its Wikipedia is: `bar` for bar.wikipedia.org. Grades are mined from
Wikipedia, as CLIRMatrix's are; they don't come from people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.compression import plain_name
from optical_core.data.folders import data_files
from optical_core.data.languages import known_code
from optical_core.data.lines import read_jsonl
from optical_core.data.readers.clirmatrix import read_pair
from optical_core.data.readers.unit import chosen_language, chosen_split
from optical_core.errors import InputError

_FOLDER = re.compile(r"de\.([a-z]+)")
_SPLITS = ("test", "dev", "train", "analysis", "analysis_variants")


def import_wikidir(
    source: Path,
    target: Path,
    *,
    name: str,
    unit: str | None = None,
    split: str | None = None,
) -> Collection:
    """Import one dialect; `unit` chooses it if the folder has several.

    Without a `split` it takes the first of test, dev and train that is there.
    """
    documents = {
        match[1]: path
        for path in data_files(source, "docs.jsonl")
        if (match := _FOLDER.fullmatch(path.parent.resolve().name))
    }
    if not documents:
        raise InputError(
            f"{source} has no de.<dialect>/docs.jsonl: a folder of WikiDIR was expected"
        )
    dialect = chosen_language(source, documents, unit, "WikiDIR documents")
    folder = documents[dialect].parent
    splits = {
        stem: path
        for path in data_files(folder, "*.jsonl", deep=False)
        if (stem := plain_name(path.name).removesuffix(".jsonl")) in _SPLITS
    }
    if not splits:
        raise InputError(f"{folder} has no test.jsonl, dev.jsonl or train.jsonl")
    split = chosen_split(folder, splits, split, _SPLITS)
    queries, qrels = read_pair(splits[split])
    info = CollectionInfo(
        name=name,
        description=f"WikiDIR {split}: titles of German Wikipedia articles as queries over "
        f"{dialect}.wikipedia.org; grades are mined from Wikipedia, not given by people.",
        licence="Apache 2.0 (text of Wikipedia: CC BY-SA)",
        source="WikiDIR, huggingface.co/datasets/rlitschk/wikidir",
        languages=("de",),
        parallel=False,
        # als is Alemannic to Wikipedia and Albanian to ISO 639-3.
        passage_language=None if dialect == "als" else known_code(dialect),
    )
    return write_collection(target, info, _passages(documents[dialect]), {"de": queries}, qrels)


def _passages(path: Path) -> Iterator[Passage]:
    for row in read_jsonl(path, ("id", "contents")):
        yield Passage(row.id("id"), "", row.text("contents"))
