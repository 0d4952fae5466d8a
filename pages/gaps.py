"""Language gaps: who is served worse, by how much, and does distillation help?"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from optical_core.analysis.report import published_table
from optical_core.data.languages import HIGH_RESOURCE, LOW_RESOURCE, members
from optical_core.data.published import MIRACL_SOURCE, MIRACL_WARNING
from optical_core.escaping import markdown_text
from optical_core.figures.levels import NAMES, differences, level_dots
from optical_core.study.results import SavedResults
from optical_core.ui.gaps.figures import resource_scatter
from optical_core.ui.gaps.view import GapStudy, GapTables, headline
from optical_core.wording import listed
from pages.common import parts, predictors
from pages.common.address import bound
from pages.common.measurements import bring, evaluate_here, measurements
from pages.common.opened import library

READ = (
    "How to read this: each row is a language, each marker a model, lines are 95 % bootstrap "
    "intervals over topics. Filled markers in the second picture are significant after Holm's "
    "correction, hollow ones are not. Look at the level too: a bad model can have a small gap."
)

DETAILS = {
    "resources": "Resources and quality",
    "numbers": "All numbers",
    "tests": "Paired tests",
    "predictors": "What predicts it",
}

GROUPS = (
    "Groups: the mean over a group's languages, model minus baseline. On a parallel collection "
    "the unit is the need, averaged over the languages; elsewhere topics are resampled, and "
    "signs flipped, within each language. Holm's correction over the rows."
)
POWER = (
    "Power: deviation of the topics' differences; the smallest mean difference that a paired t "
    "test with these topics detects (80 % power, two-sided, alpha .05); and the topics needed to "
    "detect 0.01."
)


@st.cache_resource(max_entries=16, hash_funcs={SavedResults: id})
def study(results: SavedResults) -> GapStudy:
    return GapStudy(results)


def render() -> None:
    parts.header("Language gaps", READ)
    bring()
    found = measurements()
    if not found:
        st.info("No evaluation yet: run one below, or upload an `optical evaluate` folder.")
        evaluate_here()
        return
    choice = _controls(found)
    if choice is None:
        return
    results, *chosen = choice
    with st.spinner("Resampling topics, testing differences…"):
        tables = study(results).tables(*chosen)
    if results.collection in library().collection_names():
        parts.unknown_judgements(results.collection)
    _show(results, tables, *chosen[2:4])
    _details(results, tables, *chosen)
    origins = ", ".join(f"{model}: {origin}" for model, origin in results.origin.items())
    st.caption(f"Where the numbers come from – {markdown_text(origins)}.")
    evaluate_here()


def _controls(found: dict[str, SavedResults]):
    row = st.columns([2, 2, 2])
    label = bound(
        row[0].selectbox,
        "Collection",
        list(found),
        key="results",
        default="ntrex128" if "ntrex128" in found else next(iter(found)),
    )
    results = found[label]
    measure = bound(
        row[1].selectbox,
        "Measure and depth",
        list(NAMES),
        key="measure",
        default="AP",
        format_func=NAMES.get,
    )
    start = "embedded" if "embedded" in results.models else results.models[0]
    baseline = bound(
        row[2].selectbox,
        "Baseline of the comparison",
        results.models,
        key="baseline",
        default=start,
    )
    models = bound(st.multiselect, "Models", results.models, key="model", default=results.models)
    with st.expander("Languages, and which count as high- or low-resource"):
        codes = results.languages
        chosen = parts.language_choice(
            st.multiselect, "Languages", codes, key="lang", default=codes
        )
        row = st.columns(2)
        high = parts.language_choice(
            row[0].multiselect,
            "High-resource",
            codes,
            key="high",
            default=list(members(HIGH_RESOURCE, codes)),
        )
        low = parts.language_choice(
            row[1].multiselect,
            "Low-resource",
            codes,
            key="low",
            default=list(members(LOW_RESOURCE, codes)),
        )
    parts.left_out(codes, chosen)
    apart = [code for code in chosen if code not in {*high, *low}]
    if apart and len(apart) < len(chosen):
        names = listed([parts.language_name(code) for code in apart])
        st.caption(f"In neither group, so not in the gap: {names}.")
    if not models or not chosen:
        st.info("Choose at least one model and one language.")
        return None
    models = [model for model in results.models if model in {*models, baseline}]
    return results, tuple(models), tuple(chosen), measure, baseline, tuple(high), tuple(low)


def _show(results: SavedResults, tables: GapTables, measure: str, baseline: str) -> None:
    dark = parts.is_dark()
    text = headline(tables, baseline, parallel=results.parallel)
    if text:
        st.markdown(f"**{markdown_text(text)}**")
    if not results.parallel:
        st.warning(
            "This collection is not parallel: each language has queries of its own, so levels and "
            "raw gaps between languages mean little. Read the differences to the baseline, and "
            "the difference in differences below.",
            icon=":material/info:",
        )
    left, right = st.columns(2, gap="large")
    with left:
        parts.section("Level by language")
        parts.chart(level_dots(tables.measures, measure, dark=dark), key="levels", name="levels")
    with right:
        parts.section(f"Difference to {markdown_text(baseline)}")
        parts.chart(
            differences(tables.comparisons, baseline, measure, dark=dark),
            key="differences",
            name="differences",
        )
    parts.section("The gap")
    shown = [(tables.changes, "difference-in-differences")]
    if results.parallel:
        shown.insert(0, (tables.gaps, "gap"))
    for table, name in shown:
        if not table.empty:
            parts.table(table, name)
    if all(table.empty for table, _ in shown):
        st.info("A gap needs languages of both groups: this choice has those of one alone.")
    st.caption(
        "gap = mean of the high-resource languages minus mean of the low-resource ones; relative "
        "gap = gap / high; change = gain of the low-resource languages minus gain of the "
        "high-resource ones, against the baseline (difference in differences)."
    )
    if results.collection.lower().startswith("miracl"):
        _published(results, tables)


def _published(results: SavedResults, tables: GapTables) -> None:
    """MIRACL's baselines beside what is chosen."""
    chosen = results.select(tables.measures["model"], tables.measures["language"].unique())
    table = published_table(chosen)
    if table.empty:
        return
    parts.section("Beside the published baselines")
    st.warning(MIRACL_WARNING, icon=":material/info:")
    parts.table(table, "published")
    st.caption(
        f"MIRACL dev: {MIRACL_SOURCE}. Where your number of topics is another than theirs, you "
        "measured other queries."
    )


def _details(
    results: SavedResults,
    tables: GapTables,
    models: tuple[str, ...],
    languages: tuple[str, ...],
    measure: str,
    baseline: str,
    high: tuple[str, ...],
    low: tuple[str, ...],
) -> None:
    what = bound(
        st.segmented_control,
        "Details",
        list(DETAILS),
        key="details",
        default="resources",
        format_func=DETAILS.get,
        required=True,
        label_visibility="collapsed",
    )
    if what == "resources":
        parts.chart(
            resource_scatter(tables.measures, measure, dark=parts.is_dark()),
            key="resources",
            name="resources",
        )
        st.caption("Text in CC-100 (Conneau et al. 2020). Languages that it lacks are left out.")
    elif what == "numbers":
        _table(tables.measures, "measures")
    elif what == "predictors":
        predictors.render(study(results), models, languages, measure)
    else:
        _table(tables.comparisons, "comparisons")
        more = study(results).tests(models, languages, measure, baseline, high, low)
        for table, name, caption in (
            (more.groups, "groups", GROUPS),
            (more.power, "power", POWER),
        ):
            if not table.empty:
                parts.table(table, name)
                st.caption(caption)


def _table(table: pd.DataFrame, name: str) -> None:
    if table.empty:
        st.info("Nothing to compare: choose a model beside the baseline.")
        return
    parts.table(table, name)


if __name__ == "__main__":
    from pages.common.router import run

    run()
