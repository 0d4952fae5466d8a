"""Laws of judgements, rankings and queries: no order of lines decides, what is written is read."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from optical_core.data.lines import read_queries
from optical_core.data.trec import (
    best_first,
    read_qrels,
    read_run,
    trec_order,
    write_qrels,
    write_run,
)
from optical_core.errors import InputError

_IDS = st.sampled_from(["d", "e", "é", "e\u0301", "../x", "1", "null", "nan"])
_ODD = st.sampled_from(["", " ", "a b", "a\tb", "a\0", "\u2028", "\r", "\ufeffd"]) | st.text(
    max_size=3
)
_BLANKS = st.sampled_from([" ", "\t", "  ", " \t"])
_ENDS = st.sampled_from(["\n", "\r\n", " \n", "\t\r\n"])
_GRADES = st.sampled_from(["0", "1", "2", "-1", "+1", "1.0", "1.5", "1e3", "nan", "1_0", "9" * 12])
_SCORES = st.sampled_from(["1", "1.0", "1.00000001", "0.5", "-2", "1e999", "nan"])
_TEXTS = st.sampled_from(["sea", "", "null", "NA", None, float("nan"), 7, 1.5, True, ["x"]])


def _read(read: Callable[[Path], Any], lines: list[str]) -> Any:
    """What lines are read as; None where they are refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x")
        path.write_bytes("".join(lines).encode())
        try:
            return read(path)
        except InputError:
            return None


def _any_order(read: Callable[[Path], Any], lines: list[str], data: st.DataObject) -> Any:
    found = _read(read, lines)
    other = _read(read, data.draw(st.permutations(lines)))
    assert found == other, f"{lines} say {found}, in another order {other}"
    return found


def judgements(data: st.DataObject) -> bool:
    """Lines of qrels with any blanks and grades, in any order: one value, that can be written."""
    lines = []
    for _ in range(data.draw(st.integers(1, 5))):
        fields = [data.draw(_IDS), "0", data.draw(_IDS), data.draw(_GRADES)]
        lines.append(data.draw(_BLANKS).join(fields) + data.draw(_ENDS))
    found = _any_order(read_qrels, lines, data)
    if found is not None:
        with tempfile.TemporaryDirectory() as folder:
            write_qrels(Path(folder, "q"), found)
            assert read_qrels(Path(folder, "q")) == found
    return found is not None


def rankings(data: st.DataObject) -> bool:
    """Lines of a run in any order: one ranking, whose every depth begins the whole."""
    lines = []
    for _ in range(data.draw(st.integers(1, 5))):
        fields = ["q", "Q0", data.draw(_IDS), "1", data.draw(_SCORES), "me"]
        lines.append(data.draw(_BLANKS).join(fields) + data.draw(_ENDS))
    found = _any_order(read_run, lines, data)
    if not found:
        return False
    scores = found["q"]
    assert trec_order(scores) == trec_order(dict(data.draw(st.permutations(list(scores.items())))))
    whole = best_first(data.draw(st.permutations(list(scores.items()))), len(scores))
    for depth in range(len(scores) + 1):
        assert best_first(scores.items(), depth) == whole[:depth]
        assert trec_order(scores, depth) == trec_order(scores)[:depth]
    assert trec_order(dict(whole)) == [passage for passage, _ in whole]
    return True


def written(data: st.DataObject) -> bool:
    """A run or qrels of any ids is written and read as it was, or refused."""
    ids = st.lists(_IDS | _ODD, min_size=1, max_size=3, unique=True)
    run = {q: dict.fromkeys(data.draw(ids), 1.0) for q in data.draw(ids)}
    qrels = {q: dict.fromkeys(found, 1) for q, found in run.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x")
        try:
            write_run(path, run, name="me")
            assert read_run(path) == run
            write_qrels(path, qrels)
        except (InputError, UnicodeEncodeError):
            return False
        assert read_qrels(path) == qrels
    return True


def queries(data: st.DataObject) -> bool:
    """Rows of queries in any order: one value, whose texts are those that stood there."""
    rows = [
        {"_id": data.draw(_IDS | st.sampled_from([1, 1.0, None, True])), "text": data.draw(_TEXTS)}
        for _ in range(data.draw(st.integers(1, 4)))
    ]
    found = _any_order(read_queries, [json.dumps(row) + "\n" for row in rows], data)
    if found is not None:
        assert found == {str(row["_id"]): str(row["text"]) for row in rows}
        assert all(isinstance(row["text"], str | int) and row["text"] is not True for row in rows)
    return found is not None


def measures(data: st.DataObject) -> bool:
    """Grades below 0 count as 0, in topics of any others, and no order of topics decides."""
    from optical_core.analysis.metrics import per_query_measures

    documents = st.sampled_from(["d1", "d2", "d3", "d4"])
    grades = st.dictionaries(documents, st.integers(-3, 3), max_size=4)
    scores = st.dictionaries(documents, st.sampled_from([0.5, 1.0, 2.0]), max_size=4)
    topics = [f"q{number}" for number in range(data.draw(st.integers(1, 6)))]
    qrels = {topic: data.draw(grades) for topic in topics}
    run = {topic: data.draw(scores) for topic in topics}
    found = per_query_measures(run, qrels)
    plain = {q: {d: max(grade, 0) for d, grade in of.items()} for q, of in qrels.items()}
    assert found == per_query_measures(run, plain), f"{qrels} and {run}"
    other = {topic: qrels[topic] for topic in data.draw(st.permutations(topics))}
    assert found == per_query_measures(run, other), f"{qrels} and {run} in another order"
    return any(run.values())


LAWS = {
    "measures": measures,
    "judgements": judgements,
    "rankings": rankings,
    "written": written,
    "queries": queries,
}
