"""What predicts how well a language is served: a section of the gaps page."""

from __future__ import annotations

from functools import partial
from itertools import cycle

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from optical_core.analysis.measurements import Comparison, Measurements
from optical_core.analysis.predictors import MOST_TERMS, PREDICTORS, regression_table
from optical_core.data.languages import is_english
from optical_core.escaping import markdown_text
from optical_core.study.predictors import QueryCosts
from optical_core.ui.gaps.costs import costs_measurable, measured_costs
from optical_core.ui.gaps.figures import predictor_panels
from optical_core.ui.gaps.view import predictor_tables
from pages.common import parts
from pages.common.address import bound
from pages.common.opened import library

_COSTS = "query-costs"
"""Session key: the costs measured so far, by collection, fingerprint, model and language."""


def render(measurements: Measurements, comparison: Comparison) -> None:
    """Draw the section for a comparison. The baseline counts like any other model."""
    _measure(measurements, comparison)
    version = (measurements.collection, measurements.fingerprint)
    known: dict[tuple[str, str | None, str, str], QueryCosts] = st.session_state.get(_COSTS, {})
    costs = tuple(
        (model, cost)
        for (*measured, model, _), cost in known.items()
        if tuple(measured) == version and model in comparison.models
    )
    values, correlations = library().keep(
        "predictor tables",
        lambda: predictor_tables(measurements, comparison, costs),
        key=(measurements, comparison, costs),
    )
    panels = predictor_panels(values, correlations, comparison.measure, dark=parts.is_dark())
    if not panels:
        st.info("Choose at least two languages besides English.")
    # In a narrow window, columns are stacked.
    for place, name in zip(cycle(st.columns(min(3, len(panels) or 1))), panels):
        with place:
            parts.chart(
                partial(_panel, values, correlations, comparison.measure, name),
                key=f"predictors-{name}",
                name=f"predictors-{name}",
                title=f"{PREDICTORS[name]} and {comparison.measure} on {measurements.collection}",
            )
    if correlations.empty:
        st.info("A correlation needs four languages besides English with a known predictor.")
        return
    fewest, most = correlations["languages"].agg(["min", "max"])
    count = str(most) if fewest == most else f"{fewest} to {most}"
    st.caption(
        f"Over {count} languages, without English. This is too few for more than a hint, and the "
        "predictors are correlated with each other. spearman: rank correlation with its 95 % "
        "bootstrap interval over languages; p by permutation, not corrected. Tokens in CC-100: "
        "Conneau et al. 2020, table 6."
    )
    parts.table(correlations, "correlations")
    terms = bound(
        st.multiselect,
        f"Linear regression on at most {MOST_TERMS} predictors",
        [name for name in PREDICTORS if name in values],
        key="terms",
        default=["tokens", "latin"],
        format_func=PREDICTORS.get,
        max_selections=MOST_TERMS,
    )
    if not terms:
        st.info("Choose at least one predictor.")
        return
    fitted = regression_table(values, terms)
    if fitted.empty:
        st.info(
            "The regression needs three languages for each coefficient, and predictors that vary "
            "between them."
        )
        return
    parts.table(fitted, "regression")
    st.caption(
        "Least squares with HC3 standard errors. They are missing where a single language decides "
        "a coefficient."
    )


def _panel(
    values: pd.DataFrame, correlations: pd.DataFrame, measure: str, name: str, *, dark: bool
) -> go.Figure:
    return predictor_panels(values, correlations, measure, dark=dark)[name]


def _measure(measurements: Measurements, comparison: Comparison) -> None:
    """Offer to measure the predictors that need an encoder."""
    measurable = costs_measurable(library(), measurements, comparison)
    if not measurable:
        st.caption(
            "To measure fertility and transport costs, the encoder and a parallel collection must "
            "be installed here."
        )
        return
    if not st.button(
        "Measure fertility and transport costs",
        icon=":material/play_arrow:",
        help="Encodes up to 200 queries of each language: a few seconds per language and model.",
    ):
        return
    bar = st.progress(0.0)
    pairs = [
        (model, code)
        for model in measurable
        for code in comparison.languages
        if not is_english(code)
    ]
    for done, (model, code) in enumerate(pairs):
        bar.progress(done / len(pairs), text=f"{markdown_text(model)}: {parts.language_name(code)}")
        costs = measured_costs(library(), model, measurements.collection, code)
        if costs:
            kept = st.session_state.setdefault(_COSTS, {})
            kept[(measurements.collection, measurements.fingerprint, model, code)] = costs
    bar.empty()
