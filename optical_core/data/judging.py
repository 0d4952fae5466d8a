"""Judging a collection by hand: a pool of passages to look at, and what judges say of them.

    judging/<collection>/pool.json       models, depth, and for each query its passages, shuffled
    judging/<collection>/<judge>.tsv     language, query, passage, grade: a line a judgement

The pool doesn't say which model found a passage. Where the queries are the same in all languages, a
judgement is of all of them, and the language is empty.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from optical_core.data.collection import Collection, is_shipped
from optical_core.data.fields import grade, identifier
from optical_core.data.lines import read_json, read_lines
from optical_core.data.trec import Qrels, read_qrels, write_qrels
from optical_core.errors import InputError
from optical_core.storage import exclusive, home, replace_file
from optical_core.validation import plain_name
from optical_core.wording import listed

GRADES = {0: "Not relevant", 1: "Relevant", 2: "Highly relevant"}
_POOL = "pool.json"


@dataclass(frozen=True, order=True)
class Item:
    """One judgement to make.

    Attributes:
        language: of the query; empty if the judgement is of all languages.
        query: its id.
        passage: its id.
    """

    language: str
    query: str
    passage: str


@dataclass(frozen=True)
class Pool:
    """The passages that a collection's judges look at.

    Attributes:
        collection: its name.
        models: those whose best passages are in it.
        depth: how many of each.
        items: query by query, in an order that says nothing of the models.
    """

    collection: str
    models: tuple[str, ...]
    depth: int
    items: tuple[Item, ...]

    @property
    def queries(self) -> int:
        """Number of queries."""
        return len({(item.language, item.query) for item in self.items})


Grades = Mapping[Item, int]
"""What a judge has said so far."""


def write_pool(
    collection: Collection,
    models: Sequence[str],
    depth: int,
    found: Mapping[tuple[str, str], Iterable[str]],
    *,
    seed: int = 1,
) -> Pool:
    """Write a pool. One that is there grows: its items stay, in their order.

    Args:
        collection: that is judged.
        models: whose passages they are.
        depth: most passages of a model for a query.
        found: (language, query) -> ids of passages; the language is empty if all share judgements.
        seed: shuffles the passages of a query.

    Examples:
        >>> from optical_core.data import open_collection
        >>> write_pool(open_collection("demo"), ["bm25"], 2, {})  # doctest: +SKIP
    """
    known = read_pool(collection.name) if has_pool(collection.name) else None
    items = dict.fromkeys(known.items if known else ())
    for (language, query), passages in found.items():
        new = sorted({Item(language, query, passage) for passage in passages} - items.keys())
        random.Random(f"{seed} {language} {query}").shuffle(new)
        items |= dict.fromkeys(new)
    # A query's passages stand together: judges read it once.
    order = {
        key: rank for rank, key in enumerate(dict.fromkeys((i.language, i.query) for i in items))
    }
    together = sorted(items, key=lambda item: order[item.language, item.query])
    named = dict.fromkeys([*(known.models if known else ()), *models])
    deepest = max(depth, known.depth if known else 0)
    pool = Pool(collection.name, tuple(named), deepest, tuple(together))
    with replace_file(_folder(collection.name) / _POOL) as temporary:
        text = json.dumps(asdict(pool), ensure_ascii=False, indent=1)
        temporary.write_text(text, encoding="utf-8")
    return pool


def has_pool(collection: str) -> bool:
    """Tell whether a collection has a pool."""
    return (_folder(collection) / _POOL).is_file()


def read_pool(collection: str) -> Pool:
    """Read a collection's pool.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = _folder(collection) / _POOL
    if not path.is_file():
        raise InputError(
            f"{collection} has no pool to judge: make one on the page Judge, or with "
            f"`optical judge pool {collection}`"
        )
    try:
        facts = read_json(path)
        items = tuple(
            Item(*(str(item[name]) for name in ("language", "query", "passage")))
            for item in facts["items"]
        )
        if not items:
            raise ValueError("a pool has items")
        models = tuple(map(str, facts["models"]))
        return Pool(str(facts["collection"]), models, int(facts["depth"]), items)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is damaged: remove it and make the pool again") from error


def judges(collection: str) -> list[str]:
    """Name those who have judged a collection."""
    return sorted(path.stem for path in _folder(collection).glob("[!.]*.tsv"))


def read_grades(collection: str, judge: str) -> dict[Item, int]:
    """Read what a judge has said so far; empty for a new one.

    Raises:
        InputError: the name can't be a file's, a line is damaged, or a passage has two grades.
    """
    path = _file(collection, judge)
    if not path.is_file():
        return {}
    grades: dict[Item, int] = {}
    for number, line in read_lines(path, may_be_empty=True):
        columns, where = line.split("\t"), f"{path}, line {number}"
        if len(columns) != 4:
            raise InputError(f"{where}: language, query, passage and grade were expected")
        language, query, passage = columns[:3]
        item = Item(language, identifier(query, where), identifier(passage, where))
        value = grade(columns[3], where)
        if grades.setdefault(item, value) != value:
            raise InputError(f"{where}: {passage} has two grades for {query}: which one counts?")
    return grades


def write_grades(collection: str, judge: str, grades: Grades) -> None:
    """Write all that a judge has said, whole or not at all."""
    lines = [
        f"{item.language}\t{identifier(item.query, 'query')}\t{item.passage}\t{value}\n"
        for item, value in grades.items()
    ]
    with replace_file(_file(collection, judge)) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def change_grades(collection: str, judge: str, change: Callable[[dict[Item, int]], object]) -> None:
    """Change what a judge has said so far; one change at a time, from any window or process."""
    with exclusive(_file(collection, judge)):
        grades = read_grades(collection, judge)
        change(grades)
        write_grades(collection, judge, grades)


def next_item(pool: Pool, grades: Grades) -> Item | None:
    """Find the first item without a grade; None if all have one."""
    return next((item for item in pool.items if item not in grades), None)


def joined(judged: Sequence[Grades]) -> dict[str, Qrels]:
    """Join judges' grades: language -> qrels. Where they differ, the lowest grade counts.

    Examples:
        >>> one, two = {Item("", "q1", "p1"): 2}, {Item("", "q1", "p1"): 1, Item("", "q1", "p2"): 0}
        >>> joined([one, two])
        {'': {'q1': {'p1': 1, 'p2': 0}}}
    """
    qrels: dict[str, Qrels] = {}
    for grades in judged:
        for item, value in grades.items():
            of_query = qrels.setdefault(item.language, {}).setdefault(item.query, {})
            of_query[item.passage] = min(value, of_query.get(item.passage, value))
    return qrels


def write_judgements(collection: Collection, names: Sequence[str]) -> int:
    """Put what judges have said into the collection; its other judgements stay.

    Returns:
        The number of judgements written.

    Raises:
        InputError: it is the shipped collection, a judge is unknown, none of them has judged
            anything, or a judgement is of a language that the collection lacks.
    """
    if is_shipped(collection):
        raise InputError("the demo is judged, and stays as it is: judge a collection of your own")
    for name in names:
        if not _file(collection.name, name).is_file():
            known = listed(judges(collection.name)) or "none"
            raise InputError(f"{name} hasn't judged {collection.name}; judges so far: {known}")
    by_language = joined([read_grades(collection.name, name) for name in names])
    if not by_language:
        whose = f"{listed(names)} graded nothing" if names else "nobody has judged yet"
        raise InputError(f"there is nothing to write: {whose}")
    places = {code: _targets(collection, code) for code in by_language}
    for code, qrels in by_language.items():
        for path, said in places[code].items():
            merged = {q: {**said.get(q, {}), **qrels.get(q, {})} for q in {**said, **qrels}}
            write_qrels(path, merged)
    return sum(len(of_query) for qrels in by_language.values() for of_query in qrels.values())


def _targets(collection: Collection, code: str) -> dict[Path, Qrels]:
    """The files of judgements of a language, or of all languages, with what they say so far.

    A language's first own file begins with what the common one says of its queries: the common one
    no longer counts for it.

    Raises:
        InputError: a file is compressed, or the collection lacks the language.
    """
    files = {collection.qrels_file(each) for each in ([code] if code else collection.languages)}
    for path in files:
        if path.suffix != ".tsv":
            raise InputError(f"{path} is compressed: unpack it, then write the judgements")
    known = {path: read_qrels(path) if path.is_file() else {} for path in sorted(files)}
    if not code:
        return known
    common, asked = collection.folder / "qrels.tsv", collection.queries(code)
    if common not in known:
        return known
    of_language = {query: grades for query, grades in known[common].items() if query in asked}
    return {collection.folder / "qrels" / f"{code}.tsv": of_language}


def _folder(collection: str) -> Path:
    return home("judging", collection, _POOL).parent


def _file(collection: str, judge: str) -> Path:
    try:
        return _folder(collection) / f"{plain_name(judge)}.tsv"
    except ValueError as error:
        raise InputError(f"the judge's name: {error}") from error
