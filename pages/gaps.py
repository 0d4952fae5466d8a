"""Language gaps: who is served worse, by how much, and does distillation help?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from optical_core.analysis.measurements import Comparison, Measurements
from optical_core.analysis.paper import paper_table
from optical_core.analysis.tables import Tables, published_table
from optical_core.data.languages import HIGH_RESOURCE, LOW_RESOURCE, members
from optical_core.data.published import MIRACL_SOURCE, MIRACL_WARNING
from optical_core.escaping import markdown_text
from optical_core.ui.gaps.figures import resource_scatter
from optical_core.ui.gaps.view import (
    first_baseline,
    first_models,
    gap_tables,
    headline,
    judged_line,
    picture_subject,
)
from optical_core.wording import listed
from pages import gaps_languages, gaps_picture, gaps_predictors
from pages.common import parts
from pages.common.address import bound, undrawn
from pages.common.opened import library, measure_choice, measured_choice, measurements
from pages.gaps_runs import bring, evaluate_here

READ = (
    "How to read this: each row is a language, and an arrow leads from the baseline to a model. On "
    "the right, every query is a marker. Click a row to see its queries, and a query to see both "
    "rankings. Look at the level too: a bad model can have a small gap."
)

DETAILS = {
    "numbers": "All numbers",
    "resources": "Resources and quality",
    "tests": "Paired tests",
    "predictors": "What predicts it",
    "languages": "Languages of passages",
}

GROUPS = (
    "Groups: model minus baseline, averaged over a group's languages. On a parallel collection "
    "the unit is a topic's mean over the languages. Elsewhere topics are resampled, and signs "
    "flipped, within each language. The p values have Holm's correction over the rows."
)
POWER = (
    "Power: the standard deviation of the topics' differences, the smallest mean difference that "
    "a paired t test on these topics detects (80 % power, two-sided, alpha .05), and the number "
    "of topics needed to detect 0.01."
)


def render() -> None:
    parts.header("Language gaps", READ)
    bring()
    by_label = measurements()
    evaluate_here(opened=not by_label)
    if not by_label:
        st.info("No evaluation yet: run one above, or upload an `optical evaluate` folder.")
        return
    tables = _controls(by_label)
    if tables is None:
        return
    collection, origin = tables.measurements.collection, tables.measurements.origin
    if collection in library().collection_names():
        parts.uncounted_judgements(collection)
    _show(tables, st.session_state["results"])
    _details(tables)
    origins = ", ".join(f"{model}: {source}" for model, source in origin.items())
    depth = tables.measurements.depth
    ranked = f" MAP and MRR count the first {depth:,} passages." if depth else ""
    st.caption(f"Sources of the numbers – {markdown_text(origins)}.{ranked}")


def _controls(by_label: dict[str, Measurements]) -> Tables | None:
    """Draw the controls. Returns None, and shows the reason, if there is nothing to compare."""
    row = st.columns([2, 2, 2])
    chosen = by_label[measured_choice(row[0], by_label, default="ntrex128")]
    measure = measure_choice(row[1], "Measure and depth", chosen)
    baseline = bound(
        row[2].selectbox,
        "Baseline of the comparison",
        chosen.models,
        key="baseline",
        default=first_baseline(chosen),
    )
    models = _models(chosen)
    codes = chosen.languages
    languages, high, low = _languages(codes)
    parts.left_out(codes, languages)
    apart = [code for code in languages if code not in {*high, *low}]
    if apart and len(apart) < len(languages):
        names = listed([parts.language_name(code) for code in apart])
        st.caption(f"In neither group, so not in the gap: {names}.")
    if not models or not languages:
        st.info("Choose at least one model and one language.")
        return None
    models = [model for model in chosen.models if model in {*models, baseline}]
    comparison = Comparison(
        tuple(models), tuple(languages), baseline, measure, tuple(high), tuple(low)
    )
    return gap_tables(library(), chosen, comparison)


def _languages(codes: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Draw the choice of languages, and of those in both groups, while it is open."""
    with st.expander(
        "Languages, and which count as high- or low-resource", key="groups", on_change="rerun"
    ) as box:

        def choice(place: Any, label: str, key: str, default: Sequence[str]) -> list[str]:
            widget = place.multiselect if box.open else undrawn
            chosen: list[str] = parts.language_choice(
                widget, label, codes, key=key, default=list(default)
            )
            return chosen

        languages = choice(st, "Languages", "lang", codes)
        row = st.columns(2) if box.open else (st, st)
        high = choice(row[0], "High-resource", "high", members(HIGH_RESOURCE, codes))
        low = choice(row[1], "Low-resource", "low", members(LOW_RESOURCE, codes))
    return languages, high, low


def _models(chosen: Measurements) -> list[str]:
    """Draw the choice of models; BM25, which would take most of both scales, isn't on at first."""
    models: list[str] = bound(
        st.multiselect,
        "Models",
        chosen.models,
        key="model",
        default=first_models(chosen),
    )
    return models


def _show(tables: Tables, label: str) -> None:
    parallel = tables.measurements.parallel
    with st.spinner("Resampling topics, testing differences…"):
        text = headline(tables)
    if text:
        st.markdown(f"**{markdown_text(text)}**")
    if not parallel:
        st.warning(
            "This collection is not parallel: each language has its own queries, so levels and "
            "raw gaps between languages mean little. Look at the differences from the baseline "
            "and at the difference in differences below.",
            icon=":material/info:",
        )
    gaps_picture.render(tables, label)
    if judged := judged_line(tables):
        st.caption(markdown_text(judged))
    parts.section("The gap in numbers")
    named = {"gap": tables.gaps} if parallel else {}
    named |= {"difference-in-differences": tables.changes}
    named = {name: table for name, table in named.items() if not table.empty}
    for name, table in named.items():
        parts.table(table, name, saved=False)
    if not named:
        st.info("A gap needs languages of both groups, and this choice has only one group.")
    parts.downloads(named, key="paper", others=lambda: {"paper.tex": paper_table(tables)})
    st.caption(
        "gap = mean of the high-resource languages minus mean of the low-resource ones; relative "
        "gap = gap / high; change = gain of the low-resource languages minus gain of the "
        "high-resource ones, against the baseline (difference in differences)."
    )
    if tables.measurements.collection.lower().startswith("miracl"):
        _published(tables)


def _published(tables: Tables) -> None:
    """Draw MIRACL's published results beside the chosen models."""
    table = published_table(tables.measurements, tables.comparison)
    if table.empty:
        return
    parts.section("Beside the published results")
    st.warning(MIRACL_WARNING, icon=":material/info:")
    parts.table(table, "published")
    st.caption(
        f"MIRACL dev: {MIRACL_SOURCE}. Where your number of topics differs from theirs, you "
        "measured different queries."
    )


def _details(tables: Tables) -> None:
    details = bound(
        st.segmented_control,
        "Details",
        list(DETAILS),
        key="details",
        default="numbers",
        format_func=DETAILS.get,
        required=True,
        label_visibility="collapsed",
    )
    if details == "resources":
        parts.chart(
            partial(resource_scatter, tables.measures, tables.comparison.measure),
            key="resources",
            name="resources",
            title=f"Text in CC-100 and quality: {picture_subject(tables)}",
        )
        st.caption("Text in CC-100 (Conneau et al. 2020). Languages not in it are left out.")
    elif details == "numbers":
        _table(tables.measures, "measures")
    elif details == "predictors":
        gaps_predictors.render(tables.measurements, tables.comparison)
    elif details == "languages":
        gaps_languages.render(tables)
    else:
        _table(tables.comparisons, "comparisons")
        for table, name, caption in (
            (tables.groups, "groups", GROUPS),
            (tables.power, "power", POWER),
        ):
            if not table.empty:
                parts.table(table, name)
                st.caption(caption)


def _table(table: pd.DataFrame, name: str) -> None:
    if table.empty:
        st.info("Nothing to compare: choose a model besides the baseline.")
        return
    parts.table(table, name)


if __name__ == "__main__":
    from pages.common.router import run

    run()
