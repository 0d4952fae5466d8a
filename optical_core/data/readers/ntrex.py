"""NTREX-128: news headlines in 128 languages as queries, English articles as passages."""

from __future__ import annotations

from pathlib import Path

from optical_core.data.collection import Collection
from optical_core.data.compression import on_disk
from optical_core.data.folders import data_files
from optical_core.data.languages import find_language
from optical_core.data.lines import read_lines
from optical_core.data.readers.articles import read_parallel, write_articles
from optical_core.errors import InputError


def import_ntrex(source: Path, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import `newstest2019-{src,ref}.<lang>.txt` with DOCUMENT_IDS.tsv.

    Relevant means "same article". The default unit is `sentence` (1,874 passages, about 15
    relevant each); `article` gives 123 passages. Languages that aren't in our table, and
    regional variants of one that is there, are left out.
    """
    names = on_disk(source / "DOCUMENT_IDS.tsv")
    if not names.is_file():
        raise InputError(f"{source} has no DOCUMENT_IDS.tsv")
    articles = [line for _, line in read_lines(names)]
    files: dict[str, Path] = {}
    for path in sorted(
        data_files(source, "newstest2019-*.txt", deep=False), key=lambda path: len(path.name)
    ):
        if found := find_language(path.name.split(".")[1]):
            files.setdefault(found.code, path)
    if "en" not in files:
        raise InputError(f"{source} has no newstest2019-src.eng.txt")
    return write_articles(
        target,
        articles,
        read_parallel(files, len(articles)),
        unit=unit or "sentence",
        name=name,
        description="Headline of an article as query, its other sentences as passages.",
        licence="CC BY-SA 4.0",
        source="NTREX-128, github.com/MicrosoftTranslator/NTREX",
    )
