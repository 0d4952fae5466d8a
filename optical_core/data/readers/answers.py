"""Relevance by answer string: a passage is relevant to a question if it holds one of its answers.

Open question answering is measured so (Karpukhin et al. 2020, DPR). Nobody judged the passages: an
answer may stand in one that doesn't answer the question. Words are compared in lower case, as
`data.words` cuts them.

Passages are DPR's pieces of 100 words, `psgs_w100.tsv`, `enwiki_20190201_w100.tsv` (id, text,
title).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from optical_core.data.collection import Passage
from optical_core.data.folders import data_files, only
from optical_core.data.lines import read_table
from optical_core.data.trec import Qrels
from optical_core.data.words import words
from optical_core.errors import InputError
from optical_core.wording import counted

logger = logging.getLogger(__name__)

MOST = 500
"""Passages that may hold an answer: what more hold (`2`, `London`) tells nothing of relevance."""

Words = tuple[str, ...]


def passages_file(source: Path) -> Path:
    """The passages of a folder.

    Raises:
        InputError: there are none, or several files.
    """
    path = only(data_files(source, "*w100.tsv"))
    if path is None:
        raise InputError(
            f"{source} has no passages: psgs_w100.tsv or enwiki_20190201_w100.tsv was expected"
        )
    return path


def read_passages(path: Path) -> Iterator[Passage]:
    """Stream DPR's passages; quotation marks around a field are those of a table."""
    for key, text, title in read_table(path, ("id", "text", "title")):
        if (key, text, title) != ("id", "text", "title"):
            yield Passage(key, _unquoted(title), _unquoted(text))


def _unquoted(field: str) -> str:
    if len(field) > 1 and field[0] == field[-1] == '"':
        return field[1:-1].replace('""', '"')
    return field


def judge(answers: Mapping[str, Iterable[str]], passages: Iterable[Passage]) -> Qrels:
    """Judge passages by the answers that they hold.

    Args:
        answers: question -> its answers.
        passages: streamed once; `MOST` ids of each answer are kept in memory.

    Returns:
        The questions whose answers some passages hold, but none more than `MOST`.

    Examples:
        >>> passages = [Passage("p1", "", "The Red Sea is salty."), Passage("p2", "", "A red sun")]
        >>> judge({"q1": ["Red Sea"], "q2": ["moon"]}, passages)
        {'q1': {'p1': 1}}
    """
    cut = {key: {tuple(words(text)) for text in texts} - {()} for key, texts in answers.items()}
    holders = _holders({answer for found in cut.values() for answer in found}, passages)
    qrels: Qrels = {}
    without = common = 0
    for key, found in cut.items():
        if any(len(holders[answer]) > MOST for answer in found):
            common += 1
        elif held := [passage for answer in found for passage in holders[answer]]:
            qrels[key] = dict.fromkeys(sorted(held), 1)
        else:
            without += 1
    if without or common:
        logger.warning(
            "left out: %s whose answers no passage holds, %s with an answer that more than %d hold",
            counted(without, "question"),
            counted(common, "question"),
            MOST,
        )
    return qrels


def _holders(answers: Iterable[Words], passages: Iterable[Passage]) -> dict[Words, list[str]]:
    """Each answer's passages, one more than `MOST` at most."""
    holders: dict[Words, list[str]] = {answer: [] for answer in answers}
    by_first: dict[str, list[Words]] = {}
    for answer in holders:
        by_first.setdefault(answer[0], []).append(answer)
    for passage in passages:
        text = words(passage.full_text)
        held = {
            answer
            for place, word in enumerate(text)
            for answer in by_first.get(word, ())
            if tuple(text[place : place + len(answer)]) == answer
        }
        for answer in held:
            if len(holders[answer]) <= MOST:
                holders[answer].append(passage.id)
    return holders
