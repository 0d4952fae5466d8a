"""The gap in one picture, the queries behind it, and the way from there to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from optical_core.analysis.tables import Tables
from optical_core.escaping import markdown_text
from optical_core.figures.gaps import gap_picture
from optical_core.figures.waterfall import gap_waterfall, waterfall_told
from optical_core.ui.gaps.queries import (
    CHANGES,
    DIFFICULTIES,
    MOST_CHOICES,
    chosen_points,
    points_of,
    query_choices,
    with_texts,
)
from optical_core.ui.gaps.scatter import query_scatter
from optical_core.ui.gaps.view import (
    ALL,
    FORMS,
    first_encoder,
    picture_title,
    place_name,
    places,
    queries_title,
    row_choices,
    waterfall_title,
    worst_served,
)
from optical_core.ui.texts import query_texts
from optical_core.wording import counted
from pages.common import parts
from pages.common.address import bound
from pages.common.flow import choices
from pages.common.opened import library

PICTURE, SCATTER = "gap-picture", "gap-scatter"
"""Keys of the two linked pictures."""


def render(tables: Tables, label: str) -> None:
    """Draw the gap picture, the scatter of queries beside it, and their table below.

    Args:
        label: Of the shown results.
    """
    rivals = [m for m in tables.comparison.models if m != tables.comparison.baseline]
    if not rivals:
        parts.section("The level, language by language")
        _arrows(tables, ALL)
        st.info("Choose a second model to compare with the baseline.")
        return
    _follow_click(rivals)
    left, right = st.columns([3, 2], gap="large")
    with right:
        # Before the picture, which marks the chosen language.
        at = _place(tables)
    with left:
        model = _gap(tables, rivals, at)
    with right:
        points, selected = _queries(tables, model, at)
    _table(tables, model, label, points, selected)


def _follow_click(rivals: Sequence[str]) -> None:
    """Choose what was clicked in the gap picture: a language (or group), and a model."""
    if found := parts.clicked(PICTURE):
        code, model = found
        _go_to(code)
        if model in rivals:
            st.session_state["versus"] = model


def _go_to(code: str) -> None:
    """Choose a language or a group: of a click, or of the list beside the picture."""
    st.session_state["at"] = code


def _place(tables: Tables) -> str:
    """Draw the choice of a language, a group, or all; at first the worst served."""
    parts.section("Query by query")
    at: str = bound(
        st.selectbox,
        "Queries in",
        list(places(tables)),
        key="at",
        default=worst_served(tables),
        format_func=place_name,
    )
    return at


def _gap(tables: Tables, rivals: Sequence[str], at: str) -> str:
    """Draw the gap in the chosen form. Returns the model that the queries are shown of."""
    comparison = tables.comparison
    parts.section("The gap, language by language")
    row = st.columns(2)
    form = bound(
        row[0].segmented_control,
        "Form",
        list(FORMS),
        key="form",
        default="arrows",
        format_func=FORMS.get,
        required=True,
    )
    model = bound(
        row[1].selectbox,
        "Model of the queries",
        list(rivals),
        key="versus",
        default=first_encoder(rivals),
    )
    if form == "waterfall":
        parts.chart(
            partial(gap_waterfall, tables.contributions, model, comparison.measure),
            key="waterfall",
            name="gap-waterfall",
            alt=f"{waterfall_title(tables, model)}. {waterfall_told(tables.contributions, model)}",
            title=waterfall_title(tables, model),
        )
        st.caption(
            "Above the first total: how far each low-resource language is below the mean of the "
            "high-resource ones, divided by their number. Below it: what each language's change "
            "does to the gap. Orange widens it, blue narrows it."
            if tables.measurements.parallel
            else "What each language's change does to the gap. Orange widens it, blue narrows it."
        )
        return str(model)
    _arrows(tables, at)
    choices(
        "Languages of the picture",
        row_choices(tables),
        "Arrow keys move through the rows, Enter shows a row's queries.",
        key="rows",
        at=at,
        chosen=_go_to,
    )
    st.caption(
        f"An arrow leads from {markdown_text(comparison.baseline)} to a model. Lines are 95 % "
        "bootstrap intervals over topics. Hollow: not significant. Stars: p below .05 (\\*), .01 "
        "(\\*\\*) and .001 (\\*\\*\\*), by a paired randomisation test with Holm's correction. "
        "Click a row to see its queries."
    )
    return str(model)


def _arrows(tables: Tables, at: str) -> None:
    parts.chart(
        partial(
            gap_picture,
            tables.measures,
            tables.comparisons,
            tables.groups,
            tables.comparison,
            chosen=at,
        ),
        key=PICTURE,
        name="gap",
        alt="The measure of each language, from the baseline to each model",
        title=picture_title(tables),
        select=True,
    )


def _queries(tables: Tables, model: str, at: str) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Draw the filters and the scatter. Returns the shown queries and the selected ones."""
    comparison = tables.comparison
    changes = _filter("Change", CHANGES, "change")
    hard = _filter("Difficulty", DIFFICULTIES, "hard")
    points = chosen_points(
        points_of(library(), tables, model),
        languages=places(tables)[at],
        changes=changes,
        difficulties=hard,
    )
    points = with_texts(points, query_texts(library(), tables.measurements))
    picked = parts.chart(
        partial(query_scatter, points, comparison.baseline, model, comparison.measure),
        key=SCATTER,
        name="queries",
        alt="The measure of each query, by the baseline and by the model",
        title=queries_title(tables, model, at),
        select=True,
        area=True,
    )
    st.caption(
        "A marker is a query in a language. Above the line, the model is better. Draw a box (or "
        "take the lasso) to list only those queries below. Difficulty: thirds of the queries by "
        "their mean over the models and languages."
    )
    return points, [tuple(point["customdata"]) for point in picked]


def _filter(label: str, options: Sequence[str], key: str) -> tuple[str, ...]:
    """Draw a choice of some options; none chosen means all."""
    return tuple(bound(st.pills, label, list(options), key=key, default=[], selection_mode="multi"))


def _columns(*, known: bool, english: bool) -> dict[str, Any]:
    """Name and format the columns of the queries; without English, its column isn't shown."""
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "text": text("query", width="large" if known else None),
        "english": text("in English", width="large") if english else None,
        "before": number(format="%.3f"),
        "after": number(format="%.3f"),
        "difference": number(format="%+.3f"),
    }


def _table(
    tables: Tables,
    model: str,
    label: str,
    points: pd.DataFrame,
    selected: list[tuple[str, str]],
) -> None:
    """List the shown or selected queries. A click on a row opens the query in the inspector."""
    if selected:
        keys = pd.MultiIndex.from_frame(points[["query", "language"]])
        points = points[keys.isin(selected)]
    count = counted(len(points), "query", "queries")
    parts.section(f"{count} that you selected" if selected else count)
    if points.empty:
        return
    shown = points[["language", "text", "english", "before", "after", "difference", "difficulty"]]
    shown = shown.assign(language=[parts.language_name(code) for code in shown["language"]])
    baseline = tables.comparison.baseline
    known = bool(shown["text"].any())
    if not known:
        parts.no_texts(tables.measurements.collection)
        shown = shown.assign(text=points["query"])
    asked = choices(
        "Queries of the table",
        query_choices(points),
        f"Arrow keys move through the first {MOST_CHOICES}, Enter opens both rankings."
        if len(points) > MOST_CHOICES
        else "Arrow keys move through the queries, Enter opens both rankings.",
        key="queries",
    )
    # A selection is a row number: a table of other rows needs a key of its own.
    rows = hash((label, model, *points["query"], *points["language"]))
    found = parts.opened(
        shown,
        key=f"gap-queries-{rows}",
        height=min(36 * (len(shown) + 1), 330),
        hide_index=True,
        column_config=_columns(known=known, english=bool(shown["english"].any())),
    )
    st.caption(
        f"before: {markdown_text(baseline)}; after: {markdown_text(model)}. Click a row to see "
        "both rankings of the query. Back leads here again."
    )
    parts.downloads({"queries": points}, key="gap-queries-file")
    if asked or found:
        query, code = asked or points.iloc[found[0]][["query", "language"]]
        parts.leave(
            "inspector",
            results=label,
            model=model,
            baseline=baseline,
            measure=tables.comparison.measure,
            at=code,
            query=query,
        )
