"""NTREX-128: news headlines in 128 languages as queries, English articles as passages."""

from __future__ import annotations

import logging
from pathlib import Path

from optical_core.data.collection import Collection
from optical_core.data.compression import on_disk
from optical_core.data.folders import data_files
from optical_core.data.languages import find_language, matching
from optical_core.data.lines import read_lines
from optical_core.data.readers.articles import read_parallel, write_articles
from optical_core.errors import InputError

logger = logging.getLogger(__name__)


def import_ntrex(source: Path, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import `newstest2019-{src,ref}.<lang>.txt` with DOCUMENT_IDS.tsv.

    Relevant means "same article". The default unit is `sentence` (1,874 passages, about 15
    relevant each); `article` gives 123 passages, `article:en,sw` those in English and Swahili.
    Left out and warned of: languages that aren't in our table, regional variants of one that is
    there, and second references.
    """
    names = on_disk(source / "DOCUMENT_IDS.tsv")
    if not names.is_file():
        raise InputError(f"{source} has no DOCUMENT_IDS.tsv")
    articles = [line for _, line in read_lines(names)]
    files: dict[str, Path] = {}
    left_out = []
    # Plain codes come before their variants, first references before second ones.
    paths = data_files(source, "newstest2019-*.txt", deep=False)
    for path in sorted(paths, key=lambda path: (len(path.name), path.name)):
        known = find_language(path.name.split(".")[1])
        if known is None or any(matching(code, [known.code]) for code in files):
            left_out.append(path.name)
        else:
            files[known.code] = path
    if left_out:
        listed = ", ".join(left_out)
        logger.warning("%s: left out, unknown languages or variants: %s", source, listed)
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
