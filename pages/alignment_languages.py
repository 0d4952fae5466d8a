"""The same query in many languages, by cost: a view of the alignment page."""

from __future__ import annotations

from functools import partial

import streamlit as st

from optical_core.escaping import markdown_text
from optical_core.figures.printed import picture_files
from optical_core.ui.alignment.languages import (
    MOST,
    InLanguage,
    by_cost,
    language_table,
    overview,
    overview_title,
    told,
)
from optical_core.ui.alignment.printing import printed_plans
from optical_core.ui.alignment.view import PICTURES, AlignmentView, unknown_words
from optical_core.ui.token_html import plain
from pages.alignment_pictures import Drawn, draw_plans
from pages.common import parts
from pages.common.opened import library

READ = (
    "Each language's text is set against the text on the right, with all settings above. The rows "
    "are sorted by the last encoder's cost: the lower, the closer it places the text to the one on "
    "the right. Tokens a word (fertility) says how finely the encoder cuts the language. AP says "
    "how well the demo's passages are ranked for the text."
)
COLUMNS = 3


def render(view: AlignmentView) -> None:
    """Draw the view below its controls."""
    codes = [code for code in library().languages("demo") if code != view.against]
    chosen = parts.language_choice(
        st.multiselect, "Languages", codes, key="many", default=codes, max_selections=MOST
    )
    rows = _rows(view, chosen)
    if not rows:
        st.info("Choose a language.")
        return
    if view.right_typed and len(rows) > len(view.others) + view.left_typed:
        st.info(
            "The text on the right is your own, and the demo's queries mean something else: type "
            "the other languages' texts too. Nothing is judged for it, so there is no AP."
        )
    title = overview_title(view, rows)
    parts.section(markdown_text(title))
    st.caption(READ)
    _overview(view, rows, title)
    parts.section("Each language's plan")
    st.caption(PICTURES[view.kind])
    if sentence := unknown_words(view):
        st.caption(sentence)
    _plans(view, rows)


def _rows(view: AlignmentView, codes: list[str]) -> list[InLanguage]:
    """Solve the plans of all texts, the cheapest first; faults are shown."""
    with st.spinner("Aligning and searching…"):
        rows, faults = by_cost(library(), view, codes)
    for fault in faults:
        parts.fault(fault)
    return rows


def _overview(view: AlignmentView, rows: list[InLanguage], title: str) -> None:
    """Draw cost, AP and fertility of all languages, as a picture and as a table."""
    spoken = "; ".join(f"{row.name}: {told(row)}" for row in rows)
    parts.chart(
        partial(overview, view, rows),
        key="by-language",
        name="languages",
        title=title,
        alt=f"{title}, the cheapest first. {spoken}",
    )
    parts.table(language_table(rows), "languages-table")


def _plans(view: AlignmentView, rows: list[InLanguage]) -> None:
    """Draw the last model's plan of each language, with what stands beside it."""
    model = view.models[-1]
    change = view.kind == "change" and len(view.models) > 1
    drawn: list[Drawn] = []
    across = 2 if len(rows) in (2, 4) else COLUMNS
    for start in range(0, len(rows), across):
        line = rows[start : start + across]
        for place, row in zip(st.columns(across, gap="medium"), line, strict=False):
            with place:
                st.subheader(row.name, anchor=False)
                st.caption(told(row))
                st.html(plain(row.text))
                before = row.plans[view.models[0]] if change else None
                drawn.append(
                    Drawn(
                        row.plans[model],
                        st.container(),
                        model,
                        row.text,
                        row.code,
                        before,
                        row.name,
                    )
                )
    draw_plans(drawn, view, pins=False)
    plans = {row.name: row.plans[model] for row in rows}
    name = f"alignment-{view.need}"
    heading = f"{model}: “{view.english}”"
    parts.files(
        lambda: picture_files(name, lambda: printed_plans(plans, view), heading=heading),
        key="languages",
    )
