"""Start: what the app is, one real query before and after distillation, and where to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from optical_core.errors import InputError
from optical_core.escaping import markdown_text
from optical_core.ui.examples import AHEAD
from pages.common import parts
from pages.common.opened import library

if TYPE_CHECKING:
    from optical_core.ui.start.view import Shown

CARDS = (
    (
        "gaps",
        "How large is the gap?",
        "Every language before and after, what makes the gap, and the queries behind it.",
        {"results": "ntrex128"},
    ),
    (
        "alignment",
        "How are the words matched?",
        "The transport plan between a query and its translation, by any solver.",
        {"lang": "so", "need": AHEAD},
    ),
    (
        "search",
        "Ask in your own words",
        "Up to four models side by side, and why each passage has its rank.",
        {"lang": "so", "need": AHEAD},
    ),
)


def render() -> None:
    st.title("OPTICAL Workbench")
    st.markdown(
        "Multilingual encoders understand some languages far better than others, and search built "
        "on them inherits the gap. **OPTICAL** teaches a query encoder a new language from "
        "translated sentences alone: optimal transport pairs the tokens of a sentence with those "
        "of its English translation, and the student moves towards them."
    )
    for place, (page, title, text, query) in zip(st.columns(len(CARDS)), CARDS, strict=True):
        with place, st.container(border=True, height="stretch"):
            parts.link(page, f"**{title}**", **query)
            st.caption(text)
    with st.spinner("Opening the encoder…"):
        # Imported this late so that the cards are on the screen first.
        from optical_core.ui.start.view import shown_queries
        from optical_core.ui.status import loaded
        from pages.common.first_start import prepared

        if not prepared():
            return
        try:
            shown = shown_queries(library(), AHEAD)
        except InputError as error:
            parts.fault(error)
            return
    _query(shown)
    with st.expander("What is loaded"):
        for line in loaded(library()):
            st.text(line)


def _query(shown: Sequence[Shown]) -> None:
    """Draw the query in each language, and one of them closer."""
    from optical_core.ui.start.view import closer_language, english_of
    from optical_core.ui.token_html import plain

    models = list(shown[0].answers)
    parts.section("One question in four languages" if len(shown) == 4 else "One question")
    st.caption(
        "Computed just now, among the passages of the demo. The numbers are the rank of the best "
        f"relevant passage, from {markdown_text(models[0])} to {markdown_text(models[-1])}."
    )
    for place, one in zip(st.columns(len(shown)), shown, strict=True):
        with place, st.container(border=True, height="stretch"):
            ranks = [f"**{rank}**" for rank in one.ranks]
            st.markdown(f"{parts.language_name(one.code)}: rank {' → '.join(ranks)}")
            st.html(plain(one.text))
    codes = [one.code for one in shown]
    code = parts.language_choice(
        st.pills, "Look closer", codes, key="lang", default=closer_language(codes), required=True
    )
    one = next(one for one in shown if one.code == code)
    english = english_of(one, shown)
    st.html(plain(one.text, bold=True))
    if english:
        st.html(plain(english, faint=True))
    places = dict(zip(models, st.columns(len(models), gap="large"), strict=True))
    for model, place in places.items():
        with place:
            _answered(one, model)
    if english:
        _aligned(one, english, places)
    st.caption(
        "How to read this: a green badge marks a passage that answers the question. Below, each "
        "ribbon moves mass from a word of the question to an English one: blue is cheap (close in "
        "meaning), orange is expensive. The lower the cost, the closer the model places the "
        "question to its translation."
    )


def _answered(one: Shown, model: str) -> None:
    """Draw one model's ranking."""
    from optical_core.ui.start.view import TOP

    parts.section(markdown_text(model))
    found = one.answers[model]
    st.caption(f"{library().description(model)} · AP {found.precision:.3f}")
    with st.container(border=True):
        for rank, (identifier, _) in enumerate(found.ranking.hits[:TOP], 1):
            passage = found.ranking.passages[identifier]
            good = " :green-badge[relevant]" if identifier in found.ranks else ""
            st.markdown(f"**{rank}** {markdown_text(passage.title or passage.id)}{good}")


def _aligned(one: Shown, english: str, places: Mapping[str, DeltaGenerator]) -> None:
    """Draw each model's transport plan to the English text. One scale has all their colours."""
    from optical_core.ui.alignment.plans import plan_of_texts
    from optical_core.ui.start.view import plan_flows
    from pages.common.flow import flow_picture

    plans = {}
    for model, place in places.items():
        try:
            plans[model] = plan_of_texts(library(), model, one.text, english)
        except InputError as error:
            with place:
                parts.fault(error)
    for model, data in plan_flows(plans, one.code).items():
        with places[model]:
            st.markdown(f"Transport cost **{plans[model].total_cost:.3f}**")
            flow_picture(data, key=f"start-{model}")


if __name__ == "__main__":
    from pages.common.router import run

    run()
