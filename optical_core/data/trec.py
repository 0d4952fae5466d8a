"""TREC run and qrels files."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

from optical_core.data.lines import read_lines
from optical_core.errors import InputError
from optical_core.storage import replace_file

Qrels = dict[str, dict[str, int]]
"""Judgements: query id -> passage id -> grade."""
Run = dict[str, dict[str, float]]
"""Ranking: query id -> passage id -> score."""

_BREAKS = re.compile(r"[\t\r\n]")


def trec_order(scores: Mapping[str, float]) -> list[str]:
    """Passage ids as trec_eval ranks them: by falling score, ties by falling id.

    Examples:
        >>> trec_order({"a": 1.0, "b": 2.0, "c": 1.0})
        ['b', 'c', 'a']
    """
    return sorted(scores, key=lambda passage: (scores[passage], passage), reverse=True)


def write_run(path: Path, run: Run, *, name: str) -> None:
    """Write `qid Q0 docid rank score name`, ranks from 1, whole or not at all."""
    with replace_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for query, scores in run.items():
            for rank, passage in enumerate(trec_order(scores), 1):
                file.write(f"{query} Q0 {passage} {rank} {scores[passage]!r} {name}\n")


def read_run(path: Path | str) -> Run:
    """Read a TREC run; the score column decides, the rank column is ignored as trec_eval does."""
    run: Run = {}
    for number, line in read_lines(path):
        if not line.strip():
            continue
        parts = line.split()
        if len(parts) != 6:
            raise InputError(
                f"{path}, line {number}: a run has 6 columns (qid Q0 docid rank score name), "
                f"this line has {len(parts)}"
            )
        run.setdefault(parts[0], {})[parts[2]] = _number(parts[4], f"{path}, line {number}")
    return run


def read_qrels(path: Path | str) -> Qrels:
    """Read qrels of three columns (BEIR, with or without header) or four (TREC)."""
    qrels: Qrels = {}
    for number, line in read_lines(path):
        if not line.strip():
            continue
        parts = line.split("\t") if line.count("\t") == 2 else line.split()
        if len(parts) not in (3, 4):
            raise InputError(
                f"{path}, line {number}: qrels have 3 columns (query-id, corpus-id, score) or "
                f"4 (TREC), this line has {len(parts)}"
            )
        if number == 1 and parts[0] in ("query-id", "qid", "query_id"):
            continue
        query, passage, grade = parts[0], parts[-2], parts[-1]
        grade_number = _number(grade, f"{path}, line {number}")
        qrels.setdefault(query, {})[passage] = int(grade_number)
    return qrels


def write_qrels(path: Path, qrels: Qrels) -> None:
    """Write the BEIR form: a header and tab-separated query-id, corpus-id, score.

    Raises InputError: an id that is empty, or has a tab or a line's end in it.
    """
    for identifier in {*qrels, *(passage for grades in qrels.values() for passage in grades)}:
        if not identifier.strip() or _BREAKS.search(identifier):
            raise InputError(
                f"{identifier!r} can't be the id of a query or passage: it is empty, or has a tab "
                "or a line's end in it"
            )
    with replace_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write("query-id\tcorpus-id\tscore\n")
        for query, grades in qrels.items():
            for passage, grade in grades.items():
                file.write(f"{query}\t{passage}\t{grade}\n")


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: {text!r} is not a number")
    return value
