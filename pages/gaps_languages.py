"""The part of the gaps page about the languages of the passages that were found."""

from __future__ import annotations

from functools import partial

import streamlit as st

from optical_core.analysis.tables import Tables
from optical_core.ui.gaps.languages import (
    fairness_rows,
    measured_pairs,
    share_lines,
    shares_title,
)
from pages.common import parts
from pages.common.address import bound


def render(tables: Tables) -> None:
    """Draw how fair rankings are to the languages of passages."""
    measurements, models = tables.measurements, tables.comparison.models
    pairs = measured_pairs(measurements, models)
    if not pairs:
        st.info(
            "Every passage is in one language, or the passages don't say theirs: give them a field "
            "`lang` in corpus.jsonl, and evaluate again."
        )
        return
    row = st.columns(2)
    model = bound(row[0].selectbox, "Rankings of", list(pairs), key="ranked", default=[*pairs][-1])
    codes = pairs[model]
    code = bound(
        row[1].selectbox,
        "Queries in the language",
        codes,
        key="asked",
        default=codes[0],
        format_func=parts.language_name,
    )
    parts.chart(
        partial(share_lines, measurements.shares, model, code),
        key="language-shares",
        name="language-shares",
        title=shares_title(model, code),
    )
    st.caption(
        "How many of the first passages are in each language, over all judged queries. Dotted: the "
        "languages' shares of the collection, where a ranking ends up that doesn't look at them."
    )
    parts.table(fairness_rows(measurements, models), "fairness")
    st.caption(
        "PEER@20: the probability that relevant passages of all languages have the same expected "
        "rank; 1 is fair. Where each language has one relevant passage, it can't tell rankings "
        "apart. own language: how often the first relevant passage is in the query's "
        "language, of the queries that have relevant passages in it and in others; by chance: how "
        "often it would be if languages played no part."
    )
