"""What the page Judge shows: the texts of a judgement to make, and how far judges agree."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from optical_core.analysis.agreement import agreement
from optical_core.data.collection import Collection, is_shipped
from optical_core.data.judging import (
    Grades,
    Item,
    Pool,
    change_grades,
    judges,
    next_item,
    read_grades,
)
from optical_core.ui.library import Library
from optical_core.wording import counted, listed

LONGEST_NAME = 60
"""Characters of a judge's name."""


@dataclass(frozen=True)
class Shown:
    """The texts of one judgement.

    Attributes:
        query: in the language that the judge reads.
        english: the same query in English, if that is another text; else empty.
        title: of the passage.
        text: of the passage; empty if the passage was deleted.
    """

    query: str
    english: str
    title: str
    text: str


def judged_here(library: Library) -> list[str]:
    """Names of the collections that can be judged: the reader's own."""
    names = library.collection_names()
    return [name for name in names if not is_shipped(library.collection(name))]


def choice_of_language(collection: Collection) -> bool:
    """Can the queries be read in several languages?"""
    return bool(collection.info.parallel) and len(collection.languages) > 1


def first_language(collection: Collection) -> str:
    """The language in which the queries are read at first."""
    return collection.english or collection.languages[0]


def pool_line(pool: Pool) -> str:
    """What is in a pool, in words."""
    items = counted(len(pool.items), "passage")
    queries = counted(pool.queries, "query", "queries")
    return f"{items} for {queries}: the best {pool.depth} of {listed(pool.models)}."


def done_line(pool: Pool, grades: Grades) -> str:
    """How far a judge has come, in words."""
    return f"{sum(item in grades for item in pool.items):,} of {len(pool.items):,} judged"


def shown(collection: Collection, item: Item, language: str) -> Shown:
    """Look up the texts of an item.

    Args:
        collection: that is judged.
        item: one of its pool.
        language: in which the query is read, where it has several.
    """
    code = item.language or language
    query = collection.queries(code).get(item.query, "")
    english = ""
    if collection.info.parallel and collection.english not in (None, code):
        english = collection.queries(str(collection.english)).get(item.query, "")
    passage = collection.by_id.get(item.passage)
    if passage is None:
        return Shown(query, english, "", "")
    return Shown(query, english, passage.title, passage.text)


def to_judge(collection: Collection, pool: Pool, grades: Grades, later: set[Item]) -> Item | None:
    """The next item without a grade; those put off come last, deleted passages never."""
    left = {item: 0 for item in pool.items if item.passage not in collection.by_id}
    return next_item(pool, {**grades, **left, **dict.fromkeys(later, 0)}) or next_item(
        pool, {**grades, **left}
    )


def give(collection: str, judge: str, item: Item, value: int) -> None:
    """Write down one grade."""
    change_grades(collection, judge, lambda grades: grades.update({item: value}))


def take_back(collection: str, judge: str) -> None:
    """Forget a judge's last grade."""
    change_grades(collection, judge, lambda grades: grades and grades.popitem())


def agreement_table(collection: str) -> pd.DataFrame:
    """A row for each two judges who have judged the same passages."""
    given = {judge: read_grades(collection, judge) for judge in judges(collection)}
    rows = []
    for one, two in combinations(given, 2):
        found = agreement(given[one], given[two])
        if found.both:
            rows.append(
                {
                    "judges": f"{one}, {two}",
                    "judged by both": found.both,
                    "equal": found.same,
                    "kappa": found.kappa,
                    "kappa of relevant or not": found.binary,
                }
            )
    return pd.DataFrame(rows)
