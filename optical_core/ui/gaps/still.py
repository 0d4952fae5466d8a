"""The page Language gaps as a still."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import plotly.graph_objects as go

from optical_core.analysis.measurements import Comparison, Measurements
from optical_core.analysis.predictors import PREDICTORS
from optical_core.analysis.tables import Tables
from optical_core.data.languages import HIGH_RESOURCE, LOW_RESOURCE, members
from optical_core.errors import InputError
from optical_core.figures.gaps import gap_picture
from optical_core.figures.levels import NAMES
from optical_core.figures.waterfall import gap_waterfall, waterfall_told
from optical_core.ui.address import Parameters
from optical_core.ui.gaps.figures import predictor_panels, resource_scatter
from optical_core.ui.gaps.languages import (
    fairness_rows,
    ranked_pair,
    share_lines,
    shares_title,
)
from optical_core.ui.gaps.queries import (
    CHANGES,
    DIFFICULTIES,
    chosen_points,
    points_of,
    with_texts,
)
from optical_core.ui.gaps.scatter import query_scatter
from optical_core.ui.gaps.view import (
    ALL,
    FORMS,
    first_baseline,
    first_encoder,
    first_models,
    gap_tables,
    headline,
    picture_subject,
    picture_title,
    places,
    predictor_tables,
    queries_title,
    waterfall_title,
    worst_served,
)
from optical_core.ui.library import Library
from optical_core.ui.still import Block, Columns, Parts, Picture, Table, strong
from optical_core.ui.texts import query_texts

DETAILS = ("resources", "numbers", "tests", "predictors", "languages")
LISTED = 8
"""Queries in the table."""


def parts(library: Library, given: Parameters) -> Parts:
    """`answer`, `picture`, `queries`, `numbers`, and the `details` that the address names."""
    tables = gap_tables(library, *_chosen(library, given))
    comparison = tables.comparison
    rivals = [model for model in comparison.models if model != comparison.baseline]
    model, at = "", ALL
    if rivals:
        model = given.one("versus", rivals, first_encoder(rivals))
        at = given.one("at", list(places(tables)), worst_served(tables))
    form = given.one("form", list(FORMS), "arrows")
    filters = {
        "changes": tuple(given.many("change", CHANGES, [])),
        "difficulties": tuple(given.many("hard", DIFFICULTIES, [])),
    }

    def queries() -> Columns:
        points = points_of(library, tables, model)
        points = chosen_points(points, languages=places(tables)[at], **filters)
        points = with_texts(points, query_texts(library, tables.measurements))
        return [_queries(tables, model, at, points)]

    found: dict[str, Callable[[], Columns]] = {}
    if text := headline(tables):
        found["answer"] = lambda: [[strong(text)]]
    found["picture"] = lambda: [[_picture(tables, form, model, at)]]
    if rivals:
        found["queries"] = queries
    found["numbers"] = lambda: [_numbers(tables)]
    if details := given.one("details", ("", *DETAILS), ""):
        of = ranked_pair(tables, given.one) if details == "languages" else None
        found["details"] = lambda: _languages(tables, *of) if of else _details(tables, details)
    return found


def _chosen(library: Library, given: Parameters) -> tuple[Measurements, Comparison]:
    """The evaluation and the comparison that the page's controls would choose."""
    by_label = library.evaluations()
    if not by_label:
        raise InputError("there is no evaluation here: run optical evaluate")
    labels = list(by_label)
    first = "ntrex128" if "ntrex128" in by_label else labels[0]
    chosen = by_label[given.one("results", labels, first)]
    usual = [name for name in NAMES if name in chosen.measures]
    measures = list(dict.fromkeys([*usual, *chosen.measures]))
    measure = given.one("measure", measures, measures[0])
    baseline = given.one("baseline", chosen.models, first_baseline(chosen))
    models = given.many("model", chosen.models, first_models(chosen))
    codes = chosen.languages
    return chosen, Comparison(
        tuple(model for model in chosen.models if model in {*models, baseline}),
        tuple(given.languages("lang", codes, codes)),
        baseline,
        measure,
        tuple(given.languages("high", codes, members(HIGH_RESOURCE, codes))),
        tuple(given.languages("low", codes, members(LOW_RESOURCE, codes))),
    )


def _picture(tables: Tables, form: str, model: str, at: str) -> Picture:
    comparison = tables.comparison
    if form == "waterfall" and model:
        draw = partial(gap_waterfall, tables.contributions, model, comparison.measure)
        title = waterfall_title(tables, model)
        return Picture(draw, title, f"{title}. {waterfall_told(tables.contributions, model)}")
    numbers = (tables.measures, tables.comparisons, tables.groups)
    draw = partial(gap_picture, *numbers, comparison, chosen=at)
    return Picture(draw, picture_title(tables))


def _queries(tables: Tables, model: str, at: str, points: pd.DataFrame) -> list[Block]:
    """The scatter of queries, and those that changed most."""
    comparison = tables.comparison
    draw = partial(query_scatter, points, comparison.baseline, model, comparison.measure)
    columns = ["language", "text", "english", "before", "after", "difference"]
    rows = points[columns].head(LISTED)
    if not rows["text"].any():
        rows = rows.assign(text=points["query"].head(LISTED))
    rows = rows.rename(columns={"text": "query"})
    if not rows["english"].any():
        rows = rows.drop(columns="english")
    title = f"The {len(rows)} of {len(points):,} queries that change most"
    return [Picture(draw, queries_title(tables, model, at)), Table(rows, title)]


def _numbers(tables: Tables) -> list[Block]:
    named = [(tables.changes, "Gains of both groups, and their difference")]
    if tables.measurements.parallel:
        named.insert(0, (tables.gaps, "The gap between high- and low-resource languages"))
    return [Table(table, title) for table, title in named if not table.empty]


def _languages(tables: Tables, model: str, code: str) -> Columns:
    measurements = tables.measurements
    draw = partial(share_lines, measurements.shares, model, code)
    table = Table(fairness_rows(measurements, tables.comparison.models), "Fairness to languages")
    return [[Picture(draw, shares_title(model, code)), table]]


def _details(tables: Tables, name: str) -> Columns:
    subject, measure = picture_subject(tables), tables.comparison.measure
    if name == "resources":
        draw = partial(resource_scatter, tables.measures, measure)
        return [[Picture(draw, f"Text in CC-100 and quality: {subject}")]]
    if name == "predictors":
        found = predictor_tables(tables.measurements, tables.comparison, ())

        def panel(each: str, *, dark: bool) -> go.Figure:
            return predictor_panels(*found, measure, dark=dark)[each]

        return [
            [Picture(partial(panel, each), f"{PREDICTORS[each]} and {subject}")]
            for each in predictor_panels(*found, measure, dark=False)
        ]
    if name == "numbers":
        return [[Table(tables.measures, subject)]]
    return [[Table(tables.comparisons, f"Paired tests: {subject}")]]
