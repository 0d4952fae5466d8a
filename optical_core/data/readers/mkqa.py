"""MKQA (Longpre et al., TACL 2021): 10,000 questions in 26 languages, over English Wikipedia.

Read from:

    mkqa.jsonl[.gz]     {"example_id", "queries": {lang: text}, "answers": {"en": [{"type", "text",
                        "aliases"}, …], …}}
    psgs_w100.tsv       DPR's passages, see `answers`
"""

from __future__ import annotations

from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, write_collection
from optical_core.data.collection_info import is_parallel
from optical_core.data.fields import Row, add_once
from optical_core.data.folders import one_file
from optical_core.data.language_files import say_left_out
from optical_core.data.languages import find_language
from optical_core.data.lines import read_jsonl
from optical_core.data.readers.answers import judge, passages_file, read_passages
from optical_core.errors import InputError

_TYPES = ("entity", "date", "number", "number_with_unit", "short_phrase")
"""Answers that a passage can hold: not yes or no, and neither long nor missing ones."""


def import_mkqa(source: Path, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import the questions whose English answers are found in the passages; see `answers.judge`."""
    path = one_file(source, "mkqa.jsonl")
    if path is None:
        raise InputError(f"{source} has no mkqa.jsonl.gz: MKQA's file was expected")
    passages = passages_file(source)
    queries: dict[str, dict[str, str]] = {}
    answers: dict[str, list[str]] = {}
    unknown: list[str] = []
    for row in read_jsonl(path, ("example_id", "queries", "answers")):
        key = row.id("example_id")
        if found := _answers(row):
            answers[key] = found
        texts = _object(row, "queries")
        for code in texts:
            if known := find_language(code):
                add_once(queries.setdefault(known.code, {}), key, texts.text(code), row.where)
            else:
                unknown.append(code)
    say_left_out(unknown, source)
    qrels = judge(answers, read_passages(passages))
    if not qrels:
        raise InputError(f"{passages} holds no answer to a question of {path}")
    judged = {
        code: {key: text for key, text in texts.items() if key in qrels}
        for code, texts in queries.items()
    }
    info = CollectionInfo(
        name=name,
        description="MKQA: questions over English Wikipedia. Relevance by answer string: a passage "
        "that holds the English answer counts as relevant; nobody judged it.",
        licence="CC BY-SA 3.0",
        source="MKQA, github.com/apple/ml-mkqa",
        languages=tuple(judged),
        parallel=is_parallel(judged),
    )
    return write_collection(target, info, read_passages(passages), judged, qrels)


def _object(row: Row, key: str) -> Row:
    if not isinstance(row[key], dict):
        raise InputError(f"{row.where}: {key} must be an object of languages")
    return Row(row[key], f"{row.where}: {key}")


def _answers(row: Row) -> list[str]:
    """The English answers, with their aliases."""
    english = _object(row, "answers").get("en")
    if not isinstance(english, list) or not all(isinstance(each, dict) for each in english):
        raise InputError(f"{row.where}: answers must have a list of objects in en")
    texts = [
        text
        for each in english
        if each.get("type") in _TYPES
        for text in (each.get("text"), *_aliases(each))
    ]
    return [text for text in texts if isinstance(text, str)]


def _aliases(answer: dict[str, object]) -> list[object]:
    aliases = answer.get("aliases")
    return aliases if isinstance(aliases, list) else []
