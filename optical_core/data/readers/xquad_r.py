"""XQuAD-R (LAReQA): the same 1,190 questions in 11 languages over 240 English paragraphs."""

from __future__ import annotations

from pathlib import Path

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
    passages, qrels = _paragraphs(folder / "en.json")
    queries = {language(path.stem).code: _questions(path) for path in sorted(folder.glob("*.json"))}
    info = CollectionInfo(
        name=name,
        description="XQuAD-R questions; a paragraph is relevant if it holds the answer.",
        licence="CC BY-SA 4.0",
        source="XQuAD-R, github.com/google-research-datasets/lareqa",
        languages=tuple(queries),
        parallel=True,
    )
    return write_collection(target, info, passages, queries, qrels)


def _articles(path: Path) -> list[dict]:
    try:
        articles = read_json(path)["data"]
        return [
            {"title": article.get("title") or "", "paragraphs": article["paragraphs"]}
            for article in articles
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not in SQuAD form (data / paragraphs / qas)") from error


def _paragraphs(path: Path) -> tuple[list[Passage], Qrels]:
    passages: list[Passage] = []
    qrels: Qrels = {}
    for number, article in enumerate(_articles(path)):
        for index, paragraph in enumerate(article["paragraphs"]):
            identifier = f"{number:02d}-{index}"
            title = article["title"].replace("_", " ")
            passages.append(Passage(identifier, title, paragraph["context"]))
            for question in paragraph["qas"]:
                qrels[question["id"]] = {identifier: 1}
    return passages, qrels


def _questions(path: Path) -> dict[str, str]:
    return {
        question["id"]: question["question"]
        for article in _articles(path)
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    }
