"""The page Judge as a still."""

from __future__ import annotations

from collections.abc import Callable

from optical_core.data.collection import Collection
from optical_core.data.judging import GRADES, has_pool, judges, read_grades, read_pool
from optical_core.errors import InputError
from optical_core.ui.address import Parameters
from optical_core.ui.judge.view import (
    LONGEST_NAME,
    agreement_table,
    choice_of_language,
    done_line,
    first_language,
    judged_here,
    pool_line,
    shown,
    to_judge,
)
from optical_core.ui.library import Library
from optical_core.ui.still import Block, Columns, Html, Parts, Table, heading, line
from optical_core.ui.token_html import plain


def parts(library: Library, given: Parameters) -> Parts:
    """What is in the `pool`; the `next` passage of the address's judge; how far judges agree.

    Raises:
        InputError: There is no collection that can be judged, or nothing is pooled in it.
    """
    names = judged_here(library)
    if not names:
        raise InputError("the demo is judged already: bring a collection of your own first")
    name = given.one("in", names, names[0])
    if not has_pool(name):
        raise InputError(f"nothing is pooled in {name} yet: pool passages on the page Judge")
    collection = library.collection(name)
    judge = given.text("judge", LONGEST_NAME)
    code = collection.languages[0]
    if choice_of_language(collection):
        code = given.language("lang", collection.languages, first_language(collection))
    found: dict[str, Callable[[], Columns]] = {"pool": lambda: _pool(name)}
    if judge:
        found["next"] = lambda: _next(collection, judge, code)
    found["agreement"] = lambda: _agreement(name)
    return found


def _pool(name: str) -> Columns:
    pool = read_pool(name)
    far = [line(f"{judge}: {done_line(pool, read_grades(name, judge))}") for judge in judges(name)]
    return [[heading(name), line(pool_line(pool)), *far]]


def _next(collection: Collection, judge: str, code: str) -> Columns:
    """The next passage to grade with its query, and the grades to choose from."""
    pool, grades = read_pool(collection.name), read_grades(collection.name, judge)
    item = to_judge(collection, pool, grades, set())
    if item is None:
        return [[line(f"{judge} has judged all passages of the pool.")]]
    texts = shown(collection, item, item.language or code)
    asked: list[Block] = [Html(plain(texts.query, bold=True))]
    if texts.english:
        asked.append(Html(plain(texts.english, faint=True)))
    title = plain(texts.title, bold=True) if texts.title else ""
    passage = Html(f'<div class="card">{title}{plain(texts.text)}</div>')
    scale = " · ".join(f"{value} {meaning}" for value, meaning in GRADES.items())
    return [[*asked, passage, line(scale)]]


def _agreement(name: str) -> Columns:
    table = agreement_table(name)
    if table.empty:
        return [[line("No two judges have judged the same passages yet.")]]
    formats = {
        "judged by both": "{:,}".format,
        "equal": "{:.0%}".format,
        "kappa": "{:.2f}".format,
        "kappa of relevant or not": "{:.2f}".format,
    }
    return [[Table(table, "How far judges agree", formats=formats)]]
