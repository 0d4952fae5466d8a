"""XQuAD-R (LAReQA): the same 1,190 questions in 11 languages over 240 English paragraphs."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.languages import language
from optical_core.data.lines import read_json
from optical_core.data.trec import Qrels
from optical_core.errors import InputError


def import_xquad_r(source: Path, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import `<lang>.json` files (SQuAD form); the English file gives the paragraphs."""
    folder = source / "xquad-r" if (source / "xquad-r").is_dir() else source
    if not (folder / "en.json").is_file():
        raise InputError(f"{folder} has no en.json: the XQuAD-R folder of <lang>.json was expected")
    english = _read(folder / "en.json")
    passages = [Passage(part.id, part.title, part.text) for part in english]
    qrels: Qrels = {query: {part.id: 1} for part in english for query in part.questions}
    queries = {
        language(path.stem).code: {
            q: text for part in _read(path) for q, text in part.questions.items()
        }
        for path in sorted(folder.glob("*.json"))
    }
    info = CollectionInfo(
        name=name,
        description="XQuAD-R questions; a paragraph is relevant if it holds the answer.",
        licence="CC BY-SA 4.0",
        source="XQuAD-R, github.com/google-research-datasets/lareqa",
        languages=tuple(queries),
        parallel=True,
    )
    return write_collection(target, info, passages, queries, qrels)


class _Paragraph(NamedTuple):
    id: str
    title: str
    text: str
    questions: dict[str, str]


def _read(path: Path) -> list[_Paragraph]:
    """Paragraphs of a file in SQuAD form, each with its questions by id."""
    try:
        return [
            _Paragraph(
                f"{number:02d}-{index}",
                str(article.get("title") or "").replace("_", " "),
                str(paragraph["context"]),
                {str(question["id"]): str(question["question"]) for question in paragraph["qas"]},
            )
            for number, article in enumerate(read_json(path)["data"])
            for index, paragraph in enumerate(article["paragraphs"])
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not in SQuAD form (data / paragraphs / qas)") from error
