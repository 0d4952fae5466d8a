"""Texts of queries in an evaluation folder: `OUT/queries/<language>.jsonl`, as in a collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from optical_core.data.collection import Collection
from optical_core.data.fields import add_once
from optical_core.data.languages import find_language, is_english
from optical_core.data.lines import parse_object, write_jsonl
from optical_core.storage import replace_file

FOLDER = "queries"


def write_texts(folder: Path, collection: Collection, languages: Sequence[str]) -> None:
    """Write the judged queries of the languages, and their English, beside their measurements.

    Args:
        folder: of the evaluation.
        collection: that was measured.
        languages: that were measured.
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    judged = {code: set(collection.qrels(code)) for code in languages}
    for code in filter(is_english, collection.languages):
        judged.setdefault(code, set().union(*judged.values()))
    for code, wanted in judged.items():
        texts = {q: t for q, t in collection.queries(code).items() if q in wanted}
        with replace_file(folder / FOLDER / f"{code}.jsonl") as temporary:
            write_jsonl(temporary, ({"_id": q, "text": t} for q, t in texts.items()))


def read_texts(files: Mapping[str, str], where: str) -> dict[str, dict[str, str]]:
    """Read the texts among an evaluation's files.

    Args:
        files: path in the folder -> content.
        where: names the evaluation in messages.

    Returns:
        Language -> query -> text.

    Raises:
        InputError: a file is damaged; the message names the line.
    """
    texts: dict[str, dict[str, str]] = {}
    for name, content in files.items():
        path = PurePosixPath(name)
        known = find_language(path.stem)
        if path.parts[:-1] != (FOLDER,) or path.suffix != ".jsonl" or known is None:
            continue
        queries = texts.setdefault(known.code, {})
        for number, line in enumerate(content.split("\n"), 1):
            if line.strip():
                row = parse_object(line, f"{where}: {name}, line {number}", ("_id", "text"))
                add_once(queries, row.id("_id"), row.text("text"), row.where)
    return texts
