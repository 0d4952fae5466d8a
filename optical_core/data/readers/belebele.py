"""Belebele (Bandarkar et al., ACL 2024): the same 900 questions on 488 passages, 122 languages."""

from __future__ import annotations

from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.fields import add_once
from optical_core.data.folders import one_file
from optical_core.data.language_files import files_of_languages
from optical_core.data.lines import read_jsonl
from optical_core.data.trec import Qrels
from optical_core.errors import InputError

_FIELDS = ("link", "question_number", "flores_passage", "question")


def import_belebele(
    source: Path, target: Path, *, name: str, unit: str | None = None
) -> Collection:
    """Import `<lang>_<Script>.jsonl` files (FLORES-200 codes); eng_Latn gives the passages.

    A passage is known by its `link`, a question by link and `question_number`. Languages that
    aren't in our table are left out and warned of; a second script of one that is (Latin for a
    language with a script of its own, traditional Chinese) is a language of its own.
    """
    english = one_file(source, "eng_Latn.jsonl")
    if english is None:
        raise InputError(f"{source} has no eng_Latn.jsonl: the Belebele folder was expected")
    folder = english.parent
    passages, numbers = _passages(english)
    queries = {code: _questions(path, numbers) for code, path in _files(folder).items()}
    missing = {code: set(queries["en"]) ^ set(texts) for code, texts in queries.items()}
    for code, keys in missing.items():
        if keys:
            raise InputError(
                f"{folder}: the questions in {code} aren't those in English "
                f"({len(keys)} are on one side alone): a file is cut short"
            )
    qrels: Qrels = {key: {key.rpartition("-")[0]: 1} for key in queries["en"]}
    info = CollectionInfo(
        name=name,
        description="Reading-comprehension questions; their English passage is relevant.",
        licence="CC BY-SA 4.0",
        source="Belebele, github.com/facebookresearch/belebele",
        languages=tuple(queries),
        parallel=True,
    )
    return write_collection(target, info, passages, queries, qrels)


def _files(folder: Path) -> dict[str, Path]:
    return dict(sorted(files_of_languages(folder, ".jsonl").items()))


def _passages(path: Path) -> tuple[list[Passage], dict[str, str]]:
    """Passages in the file's order, and the passage id of each link."""
    passages: list[Passage] = []
    numbers: dict[str, str] = {}
    for row in read_jsonl(path, _FIELDS):
        link = row.text("link")
        if link not in numbers:
            numbers[link] = f"p{len(numbers):03d}"
            passages.append(Passage(numbers[link], "", row.text("flores_passage")))
    return passages, numbers


def _questions(path: Path, numbers: dict[str, str]) -> dict[str, str]:
    questions: dict[str, str] = {}
    for row in read_jsonl(path, _FIELDS):
        link = row.text("link")
        if link not in numbers:
            raise InputError(f"{path}: {link} is a passage that eng_Latn.jsonl doesn't have")
        key = f"{numbers[link]}-{row.id('question_number')}"
        add_once(questions, key, row.text("question"), row.where)
    return questions
