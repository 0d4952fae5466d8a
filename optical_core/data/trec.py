"""TREC run and qrels files."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from optical_core.data.fields import grade, identifier, number_of
from optical_core.data.lines import read_lines
from optical_core.errors import InputError
from optical_core.storage import replace_file
from optical_core.wording import counted

logger = logging.getLogger(__name__)

Qrels = dict[str, dict[str, int]]
"""Judgements: query id -> passage id -> grade."""
Run = dict[str, dict[str, float]]
"""Ranking: query id -> passage id -> score."""
Hits = list[tuple[str, float]]
"""One query's ranking: (passage id, score), in the order of `best_first`."""

DIGITS = 4
"""Decimals of a score; rankings compare the rounded scores."""
# What the columns of qrels are called where a first line names them.
_HEADERS = {
    "query": {"query-id", "query_id", "queryid", "qid", "topic", "topic_id"},
    "passage": {
        "corpus-id",
        "corpus_id",
        "doc_id",
        "docid",
        "docno",
        "pid",
        "passage-id",
        "passage_id",
    },
    "grade": {"score", "grade", "rel", "relevance", "label", "judgment", "judgement"},
    "iteration": {"iteration", "iter", "q0", "0"},
}
_ITERATION = re.compile(r"[Qq]?[0-9]+")
_TREC, _BEIR = ("query", "iteration", "passage", "grade"), ("query", "passage", "grade")


def trec_order(scores: Mapping[str, float], depth: int | None = None) -> list[str]:
    """Passage ids as trec_eval ranks them: by falling score, ties by falling id.

    trec_eval compares scores in single precision.

    Args:
        scores: passage id -> score.
        depth: of the ranking; all of it by default. A small one saves sorting the rest.

    Examples:
        >>> trec_order({"a": 1.0, "b": 2.0, "c": 1.0 + 1e-9})
        ['b', 'c', 'a']
        >>> trec_order({"a": 1.0, "b": 2.0, "c": 1.0 + 1e-9}, 2)
        ['b', 'c']
    """
    with np.errstate(over="ignore"):
        values = np.fromiter(scores.values(), np.float32, len(scores))
    ranked: Iterable[tuple[float, str]] = zip(values.tolist(), scores, strict=True)
    if depth is not None and 0 < depth < len(scores):
        least = np.partition(values, -depth)[-depth]
        ranked = [pair for pair in ranked if pair[0] >= least]
    return [passage for _, passage in sorted(ranked, reverse=True)][:depth]


def best_first(scored: Iterable[tuple[str, float]], top: int) -> Hits:
    """The `top` best of (id, score), in trec_eval's order, with scores rounded to `DIGITS` places.

    Every ranking that is shown, served, written or measured is made here. Scores of duplicate
    passages differ in their last bits, depending on what is computed beside them. Rounded, they
    are equal at any depth. Of an id that comes several times, as of a passage in windows, the best
    score counts.

    Examples:
        >>> best_first([("a", 1.0), ("b", 1.0000001), ("c", 2.0), ("c", 0.5)], 2)
        [('c', 2.0), ('b', 1.0)]
    """
    pairs = list(scored)
    rounded = {identifier: round(float(score), DIGITS) for identifier, score in pairs}
    if len(rounded) < len(pairs):
        for identifier, score in pairs:
            rounded[identifier] = max(rounded[identifier], round(float(score), DIGITS))
    return [(identifier, rounded[identifier]) for identifier in trec_order(rounded, top)]


def write_run(path: Path, run: Run, *, name: str) -> None:
    """Write lines `qid Q0 docid rank score name`, with ranks from 1, whole or not at all.

    Raises:
        InputError: `read_run` couldn't read an id or the name back, or a score isn't finite.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_run(Path(folder, "a.run"), {"q1": {"p1": 0.5, "p2": 0.7}}, name="a")
        ...     Path(folder, "a.run").read_text().splitlines()
        ['q1 Q0 p2 1 0.7 a', 'q1 Q0 p1 2 0.5 a']
    """
    identifier(name, f"{path}: the run's name")
    with replace_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for query, scores in run.items():
            identifier(query, str(path))
            for rank, passage in enumerate(trec_order(scores), 1):
                identifier(passage, str(path))
                if not math.isfinite(scores[passage]):
                    raise InputError(f"{path}: {query} {passage}: {scores[passage]} is no score")
                file.write(f"{query} Q0 {passage} {rank} {float(scores[passage])!r} {name}\n")


def read_run(path: Path | str) -> Run:
    """Read a TREC run. The scores decide; ranks are ignored, as in trec_eval.

    An empty file is a run without hits.

    Raises:
        InputError: a line has other columns, or a passage comes twice for a query.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "a.run").write_text("q1 Q0 p2 1 0.7 a\\n")
        ...     read_run(Path(folder, "a.run"))
        {'q1': {'p2': 0.7}}
    """
    run: Run = {}
    for number, line in read_lines(path, may_be_empty=True):
        if not (columns := line.split()):
            continue
        where = f"{path}, line {number}"
        if len(columns) != 6:
            raise InputError(
                f"{where}: a run has 6 columns (qid Q0 docid rank score name), "
                f"this line has {len(columns)}; ids have no blanks in them"
            )
        query, _, passage, _, score, _ = columns
        value = number_of(score, where)
        scores = run.setdefault(identifier(query, where), {})
        if identifier(passage, where) in scores:
            raise InputError(f"{where}: {passage} comes twice in the ranking of {query}")
        scores[passage] = value
    return run


def read_qrels(*paths: Path | str) -> Qrels:
    """Read qrels of three columns (BEIR, with or without header) or four (TREC), and join them.

    Blanks and tabs separate the columns, as in trec_eval. A repeated judgement counts once, with a
    warning.

    Raises:
        InputError: a line has other columns, a grade is no whole number, or a passage has two
            grades for a query.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "qrels.txt").write_text("q1 0 p1 2\\nq1 0 p2 0\\n")
        ...     read_qrels(Path(folder, "qrels.txt"))
        {'q1': {'p1': 2, 'p2': 0}}
    """
    qrels: Qrels = {}
    for path in paths:
        order: tuple[str, ...] | None = None
        again = 0
        for number, line in read_lines(path):
            if not (columns := line.split()):
                continue
            where = f"{path}, line {number}"
            if number == 1 and (order := _header(columns)):
                continue
            query, passage, value = _judgement(line, order, where)
            again += passage in qrels.get(query, ())
            join_judgements(qrels, query, {passage: value}, where)
        if again:
            repeated = counted(again, "judgement comes", "judgements come")
            logger.warning("%s: %s again; each counts once", path, repeated)
    return qrels


def join_judgements(qrels: Qrels, query: str, grades: Mapping[str, int], where: str) -> None:
    """Add judgements of a query to the qrels.

    Raises:
        InputError: a passage has another grade already.
    """
    known = qrels.setdefault(query, {})
    for passage, value in grades.items():
        if known.setdefault(passage, value) != value:
            raise InputError(
                f"{where}: {passage} is judged {value} for {query}, and {known[passage]} before: "
                "which one counts?"
            )


def _header(columns: list[str]) -> tuple[str, ...] | None:
    """The columns that a header line names; None if the line is a judgement."""
    names = ((k for k, known in _HEADERS.items() if column.lower() in known) for column in columns)
    order = tuple(next(name, "") for name in names)
    needed = {"query", "passage", "grade"}
    return order if needed <= set(order) and len(set(order)) == len(order) else None


def _judgement(line: str, order: tuple[str, ...] | None, where: str) -> tuple[str, str, int]:
    """Query, passage and grade of a line."""
    columns = line.split()
    forms: dict[int, tuple[str, ...]] = {3: _BEIR, 4: _TREC}
    expected = order or forms.get(len(columns), ())
    named = dict(zip(expected, columns, strict=False))
    # A BEIR line with a blank in an id has four columns too, but an iteration is a number.
    blank = not order and line.count("\t") == 2 and len(columns) == 4
    if len(expected) != len(columns) or (blank and not _ITERATION.fullmatch(columns[1])):
        raise InputError(
            f"{where}: qrels have 3 columns (query-id, corpus-id, score) or 4 (TREC), this line "
            f"has {len(columns)}; ids have no blanks in them"
        )
    query, passage = (identifier(named[name], where) for name in ("query", "passage"))
    return query, passage, grade(named["grade"], where)


def write_qrels(path: Path, qrels: Qrels) -> None:
    """Write qrels in the BEIR form: a header and tab-separated query-id, corpus-id, score.

    Raises:
        InputError: `read_qrels` couldn't read an id or a grade back.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_qrels(Path(folder, "qrels.tsv"), {"q1": {"p1": 2}})
        ...     read_qrels(Path(folder, "qrels.tsv"))
        {'q1': {'p1': 2}}
    """
    with replace_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write("query-id\tcorpus-id\tscore\n")
        for query, grades in qrels.items():
            identifier(query, "qrels")
            for passage, value in grades.items():
                where = f"qrels of {query}"
                file.write(f"{query}\t{identifier(passage, where)}\t{grade(value, where)}\n")
