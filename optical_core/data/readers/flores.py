"""FLORES-200: first sentence of a Wikimedia article as the query, the rest as the passage."""

from __future__ import annotations

from pathlib import Path

from optical_core.data.collection import Collection
from optical_core.data.compression import on_disk
from optical_core.data.folders import data_files
from optical_core.data.language_files import by_language
from optical_core.data.lines import read_lines
from optical_core.data.readers.articles import read_parallel, write_articles
from optical_core.errors import InputError


def import_flores(source: Path, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import `<split>/<lang>_<Script>.<split>` with the article URLs of `metadata_<split>.tsv`.

    If both splits are there, dev is taken. The default unit is `article`; `article:en,sw` takes
    passages in English and in Swahili, `sentence` single ones. A language in an unusual
    script is a language of its own. Unknown languages are left out.
    """
    split = next((s for s in ("dev", "devtest") if (source / s).is_dir()), None)
    metadata = on_disk(source / f"metadata_{split}.tsv")
    if split is None or not metadata.is_file():
        raise InputError(f"{source} has no dev/ or devtest/ folder with its metadata_*.tsv")
    rows = [line.split("\t") for _, line in read_lines(metadata)]
    if "URL" not in rows[0]:
        raise InputError(f"{metadata}: no column URL in its header")
    column = rows[0].index("URL")
    short = next((number for number, row in enumerate(rows, 1) if len(row) <= column), None)
    if short:
        raise InputError(f"{metadata}, line {short}: it has no column URL")
    articles = [row[column] for row in rows[1:]]
    paths = data_files(source / split, f"*.{split}")
    files = by_language(paths, lambda path: path.name.partition(".")[0], source)
    if "en" not in files:
        raise InputError(f"{source / split} has no eng_Latn.{split}")
    return write_articles(
        target,
        articles,
        read_parallel(files, len(articles)),
        unit=unit or "article",
        name=name,
        description="First sentence of an article as query, its other sentences as passage.",
        licence="CC BY-SA 4.0",
        source=f"FLORES-200 {split}, github.com/facebookresearch/flores",
    )
