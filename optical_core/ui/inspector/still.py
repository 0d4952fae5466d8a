"""The page Query inspector as a still."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from optical_core.analysis.measurements import Comparison, Measurements
from optical_core.data.languages import is_english
from optical_core.errors import InputError
from optical_core.figures.levels import NAMES
from optical_core.ui.address import Parameters
from optical_core.ui.inspector.answers import (
    Answer,
    answer,
    passage_titles,
    rank_table,
    rivals_of,
)
from optical_core.ui.inspector.figures import cell_style, correlation_figure
from optical_core.ui.inspector.view import (
    SHOWN,
    WAYS,
    extremes,
    first_model,
    languages_of,
    query_table,
    shown_texts,
)
from optical_core.ui.library import Library
from optical_core.ui.search.joined import is_known
from optical_core.ui.search.view import Asked, moves, shortened
from optical_core.ui.search.winning import Rivals
from optical_core.ui.search.winning_still import winning_part
from optical_core.ui.still import Block, Columns, Html, Parts, Picture, Table, card, heading, line
from optical_core.ui.texts import bringing, query_texts
from optical_core.ui.token_html import plain

LISTED = 12
"""Queries in the table."""


def parts(library: Library, given: Parameters) -> Parts:
    """`query` if one is open, `winning` if two of its results are compared; `table`, `extremes` of
    a difference, `correlation`.
    """
    by_label = library.evaluations()
    if not by_label:
        raise InputError("there is no evaluation here: run optical evaluate")
    labels = list(by_label)
    results = by_label[given.one("results", labels, "demo" if "demo" in labels else labels[0])]
    names = results.models
    model = given.one("model", names, first_model(library, results))
    baseline = given.one("baseline", names, "embedded" if "embedded" in names else names[0])
    usual = [name for name in NAMES if name in results.measures]
    measures = list(dict.fromkeys([*usual, *results.measures]))
    measure = given.one("measure", measures, measures[0])
    codes = given.languages("lang", results.languages, results.languages)
    difference = given.one("show", WAYS, WAYS[0]) == WAYS[0]
    comparison = Comparison(
        tuple(dict.fromkeys((model, baseline))), tuple(codes), baseline, measure
    )
    found: dict[str, Callable[[], Columns]] = {}
    if query := given.text("query", 500):
        here = languages_of(results, comparison, query)
        if not here:
            raise InputError(f"query: {query!r:.60} isn't measured in {', '.join(codes)}")
        code = given.language("at", here, here[0])
        found["query"] = partial(_query, library, results, comparison, query, code)
        if winning := winning_part(given):
            found["winning"] = lambda: winning(_rivals(library, results, comparison, query, code))
    else:
        given.given("at")
    found["table"] = partial(_table, library, results, comparison, difference)
    if difference:
        found["extremes"] = partial(_extremes, library, results, comparison)
    found["correlation"] = partial(_correlation, results, comparison)
    return found


def _table(
    library: Library, results: Measurements, comparison: Comparison, difference: bool
) -> Columns:
    """The first queries, coloured as on the page."""
    codes = comparison.languages
    table = query_table(
        results, comparison, _texts(library, results, comparison), difference=difference
    )
    table = table.reset_index()
    table = table.drop(columns="query" if table["text"].any() else "text")

    def style(column: str, value: Any) -> str:
        return cell_style(value, difference=difference) if column in (*codes, "mean") else ""

    model, baseline = comparison.models[0], comparison.baseline
    told = f"{model} minus {baseline}" if difference else model
    title = f"{comparison.measure} of {told}: {min(LISTED, len(table))} of {len(table):,} queries"
    return [[Table(table.head(LISTED), title, style, languages=codes)]]


def _extremes(library: Library, results: Measurements, comparison: Comparison) -> Columns:
    texts = _texts(library, results, comparison)
    table = query_table(results, comparison, texts, difference=True)
    model, baseline = comparison.models[0], comparison.baseline
    columns: list[list[Block]] = []
    for title, rows in zip(
        (f"Gain most from {baseline} to {model}", "Lose most"), extremes(table), strict=True
    ):
        shown = rows.reset_index()[["text" if rows["text"].any() else "query", "mean"]]
        columns.append([Table(shown, title) if len(rows) else line(f"{title}: none")])
    return columns


def _correlation(results: Measurements, comparison: Comparison) -> Columns:
    levels = query_table(results, comparison, {}, difference=False)
    draw = partial(correlation_figure, levels, comparison.languages)
    measured = NAMES.get(comparison.measure, comparison.measure)
    title = f"Rank correlation between languages: {comparison.models[0]}'s {measured}"
    return [[Picture(draw, title)]]


def _texts(library: Library, results: Measurements, comparison: Comparison) -> Mapping[str, str]:
    return shown_texts(query_texts(library, results), comparison.languages)


def _query(
    library: Library, results: Measurements, comparison: Comparison, query: str, code: str
) -> Columns:
    """Both models' rankings of a query, and the ranks of its relevant passages."""
    texts = query_texts(library, results)
    text = texts.get(code, {}).get(query, "")
    english = next((texts[c].get(query, "") for c in texts if is_english(c)), "")
    said: list[Block] = [Html(plain(text or query, bold=True))]
    if english not in ("", text):
        said.append(Html(plain(english, faint=True)))
    grades = library.judged(results.collection, code, query)
    answers = _answers(library, results, comparison, query, code)
    columns: list[list[Block]] = []
    for opened, found in answers.items():
        told = f"AP {found.precision:.3f} · {found.told}"
        first = next(iter(answers.values()))
        column = [*said, heading(opened), line(told), *_hits(found, first, grades)]
        columns.append(column)
    table = rank_table(answers, passage_titles(answers))
    if not table.empty:
        columns[-1].append(Table(table, "Ranks of the relevant passages"))
    return columns


def _answers(
    library: Library, results: Measurements, comparison: Comparison, query: str, code: str
) -> dict[str, Answer]:
    """Both models' answers to a query.

    Raises:
        InputError: The collection or a model isn't installed.
    """
    name, text = results.collection, query_texts(library, results).get(code, {}).get(query, "")
    if name not in library.collection_names() or not text:
        how = "".join(f": {command}" for command in bringing(name)[:1])
        raise InputError(f"the query's rankings need the collection {name}{how}")
    grades = library.judged(name, code, query)
    answers: dict[str, Answer] = {}
    for model in dict.fromkeys((comparison.baseline, *comparison.models)):
        opened = results.students.get(model, model)
        if not is_known(opened, library.model_names()):
            raise InputError(f"{opened} isn't installed here")
        answers[opened] = answer(library, opened, name, query, text, grades)
    return answers


def _rivals(
    library: Library, results: Measurements, comparison: Comparison, query: str, code: str
) -> Rivals:
    """The results of a query that can be compared."""
    name, text = results.collection, query_texts(library, results).get(code, {}).get(query, "")
    grades = library.judged(name, code, query)
    asked = Asked(library, name, text, (code, query), grades)
    return rivals_of(asked, _answers(library, results, comparison, query, code))


def _hits(found: Answer, first: Answer, grades: Mapping[str, int]) -> list[Block]:
    cards: list[Block] = []
    for rank, (identifier, score) in enumerate(found.ranking.hits[:SHOWN], 1):
        passage = found.ranking.passages[identifier]
        badges = [(f"{score:.2f}", "plain")]
        if move := moves(first.ranking.ranks, identifier, rank):
            badges.append((move, "moved"))
        if grade := grades.get(identifier):
            badges.append((f"relevant {grade}", "good"))
        title = plain(passage.title or passage.id, bold=True)
        cards.append(card(rank, badges, title, plain(shortened(passage.text, 160))))
    return cards
