"""Query inspector: every query of a collection, and how well each model answers it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from optical_core.analysis.measurements import Comparison, Measurements
from optical_core.escaping import markdown_text
from optical_core.figures.levels import NAMES
from optical_core.ui.inspector.figures import cell_style, correlation_figure
from optical_core.ui.inspector.view import (
    WAYS,
    extremes,
    first_model,
    mean_correlation,
    query_table,
    shown_texts,
)
from optical_core.ui.texts import query_texts
from pages import inspector_query
from pages.common import parts
from pages.common.address import bound, held, hold, refuse
from pages.common.opened import library, measure_choice, measured_choice, measurements

READ = (
    "How to read this: each row is a query and each column a language. Blue is good (or better "
    "than the baseline), orange is worse. Click anywhere in a row to open the query, in a "
    "language's column to open it in that language. Click a column's header to sort."
)
QUERY = "query"
"""Address parameter: the open query."""


def render() -> None:
    parts.header("Query inspector", READ)
    by_label = measurements()
    if not by_label:
        st.info("No evaluation yet: run one on the page Language gaps.")
        return
    row = st.columns(4)
    label = measured_choice(row[0], by_label, default="demo")
    results = by_label[label]
    model, baseline, measure = _compared(row[1:], results)
    codes, difference = _shown(results.languages)
    if not codes:
        st.info("Choose at least one language.")
        return
    parts.left_out(results.languages, codes)
    texts = query_texts(library(), results)
    if not texts:
        parts.no_texts(results.collection)
    models = tuple(dict.fromkeys((model, baseline)))
    comparison = Comparison(models, tuple(codes), baseline, measure)
    shown = shown_texts(texts, codes)
    levels = query_table(results, comparison, shown, difference=False)
    table = query_table(results, comparison, shown, difference=True) if difference else levels
    opened = _table(table, label, codes, difference)
    if opened:
        inspector_query.render(results, comparison, opened)
    left, right = st.columns(2, gap="large")
    with left:
        if difference:
            _extremes(table, model, baseline)
    with right:
        _correlations(levels, codes, f"{markdown_text(model)}'s {NAMES.get(measure, measure)}")


def _compared(row: Sequence[Any], results: Measurements) -> tuple[str, str, str]:
    """Draw the choice of a model, the baseline and the measure."""
    names = results.models
    first = first_model(library(), results)
    model = bound(row[0].selectbox, "Model", names, key="model", default=first)
    baseline = bound(
        row[1].selectbox,
        "Baseline",
        names,
        key="baseline",
        default="embedded" if "embedded" in names else names[0],
    )
    return model, baseline, measure_choice(row[2], "Measure", results)


def _shown(languages: Sequence[str]) -> tuple[list[str], bool]:
    """Draw the choice of languages. Returns them, and whether differences are shown."""
    row = st.columns([3, 1])
    codes = parts.language_choice(
        row[0].multiselect, "Languages", languages, key="lang", default=languages
    )
    way = bound(
        row[1].segmented_control,
        "Show",
        list(WAYS),
        key="show",
        default=WAYS[0],
        required=True,
    )
    return codes, way == WAYS[0]


def _correlations(levels: pd.DataFrame, codes: list[str], measured: str) -> None:
    """Draw the rank correlations between languages; `measured` is the model's measure."""
    parts.section("Do the same queries fail in every language?")
    parts.chart(
        partial(correlation_figure, levels, codes),
        key="correlation",
        name="rank-correlation",
        title=f"Rank correlation between languages: {measured}",
    )
    mean = mean_correlation(levels, codes)
    if mean is not None:
        st.caption(
            f"Spearman's correlation of {measured} between languages, over the same queries. "
            f"Its mean is {mean:.2f}. Near 1, a hard query is hard in every language."
        )


def _table(table: pd.DataFrame, label: str, codes: list[str], difference: bool) -> str | None:
    """Draw the queries. Returns the open one, chosen by a click or by the address."""
    # The ids are a column: a click on an index selects nothing.
    shown = table.reset_index()
    styled = shown.style.map(
        lambda value: cell_style(value, difference=difference), subset=[*codes, "mean"]
    ).format("{:+.3f}" if difference else "{:.3f}", subset=[*codes, "mean"], na_rep="–")
    columns = {
        "text": _text_column(table),
        **{code: st.column_config.NumberColumn(parts.language_name(code)) for code in codes},
    }
    # A selection is a row number: a table of other rows needs a key of its own.
    key = f"queries-{label}-{'-'.join(codes)}"
    cell = parts.opened(
        styled, key=key, column_config=columns, hide_index=True, height=420, placeholder="–"
    )
    parts.downloads({"queries": shown}, key="queries-file")
    opened = held(QUERY)
    if cell:
        row, column = cell
        opened = hold(QUERY, str(table.index[row]))
        if column in codes:
            st.session_state["at"] = column
    if opened is None or opened in table.index:
        return opened
    refuse("Query", [opened])
    return hold(QUERY, None)


def _extremes(table: pd.DataFrame, model: str, baseline: str) -> None:
    winners, losers = extremes(table)
    for title, rows in (
        (f"Gain most from {markdown_text(baseline)} to {markdown_text(model)}", winners),
        ("Lose most", losers),
    ):
        parts.section(title)
        if rows.empty:
            st.caption("None.")
            continue
        columns = {
            "text": _text_column(rows),
            "mean": st.column_config.NumberColumn(format="%+.3f"),
        }
        key = f"{title}-{hash(tuple(rows.index))}"
        # On a telephone the text may run out of sight.
        order = ("mean", "text")
        cell = parts.opened(rows, key=key, column_config=columns, column_order=order)
        if cell:
            hold(QUERY, str(rows.index[cell[0]]))
            st.rerun()


def _text_column(table: pd.DataFrame) -> Any:
    """Configuration of the column of texts; None, which hides it, if it is empty."""
    if not table["text"].any():
        return None
    return st.column_config.TextColumn("query text", width="large")


if __name__ == "__main__":
    from pages.common.router import run

    run()
