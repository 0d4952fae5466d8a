"""XQuAD-R and MLQA-R (LAReQA, Roy et al. 2020): questions in many languages, English paragraphs.

XQuAD-R has the same 1,190 questions in 11 languages over 240 paragraphs. MLQA-R has the questions
of MLQA's dev set: all in English, and most in some of six other languages.

    xquad-r/<lang>.json, mlqa-r/<lang>.json      SQuAD form
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.compression import on_disk
from optical_core.data.fields import add_once, identifier, text
from optical_core.data.folders import data_files
from optical_core.data.language_files import by_language
from optical_core.data.lines import read_json
from optical_core.data.trec import Qrels
from optical_core.errors import InputError


def import_xquad_r(source: Path, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import `<lang>.json` files (SQuAD form); the English file gives the paragraphs."""
    return _import(source, target, name, "XQuAD-R", "CC BY-SA 4.0", parallel=True)


def import_mlqa_r(source: Path, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import `<lang>.json` files (SQuAD form); the English file gives the paragraphs.

    The paragraphs of the other languages are left out: a question asks for its English paragraph.
    """
    return _import(source, target, name, "MLQA-R", "CC BY-SA 3.0", parallel=False)


def _import(
    source: Path, target: Path, name: str, form: str, licence: str, *, parallel: bool
) -> Collection:
    usual = source / form.lower()
    folder = usual if usual.is_dir() else source
    english_file = on_disk(folder / "en.json")
    if not english_file.is_file():
        raise InputError(f"{folder} has no en.json: the {form} folder of <lang>.json was expected")
    english = _read(english_file)
    passages = [Passage(part.id, part.title, part.text) for part in english]
    qrels: Qrels = {query: {part.id: 1} for part in english for query in part.questions}
    queries: dict[str, dict[str, str]] = {}
    paths = data_files(folder, "*.json", deep=False)
    files = by_language(paths, lambda path: path.name.partition(".")[0], folder)
    for code, path in files.items():
        for part in _read(path):
            for key, question in part.questions.items():
                add_once(queries.setdefault(code, {}), key, question, str(path))
    info = CollectionInfo(
        name=name,
        description=f"{form} questions; a paragraph is relevant if it holds the answer.",
        licence=licence,
        source=f"{form}, github.com/google-research-datasets/lareqa",
        languages=tuple(queries),
        parallel=parallel,
    )
    return write_collection(target, info, passages, queries, qrels)


class _Paragraph(NamedTuple):
    id: str
    title: str
    text: str
    questions: dict[str, str]


def _read(path: Path) -> list[_Paragraph]:
    """Paragraphs of a file in SQuAD form, each with its questions by id."""
    paragraphs: list[_Paragraph] = []
    try:
        for number, article in enumerate(read_json(path)["data"]):
            title = text(article.get("title") or "", str(path)).replace("_", " ")
            for index, paragraph in enumerate(article["paragraphs"]):
                context = text(paragraph["context"], str(path))
                paragraphs.append(_Paragraph(f"{number:02d}-{index}", title, context, {}))
                for question in paragraph["qas"]:
                    key = identifier(question["id"], f"{path}: the question's id")
                    asked = text(question["question"], f"{path}: question {key}")
                    add_once(paragraphs[-1].questions, key, asked, str(path))
        return paragraphs
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not in SQuAD form (data / paragraphs / qas)") from error
