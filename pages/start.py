"""Start: what the app is, one live picture, and links to the pages."""

from __future__ import annotations

from functools import partial

import streamlit as st

from optical_core.errors import InputError
from optical_core.escaping import markdown_text
from pages.common import parts
from pages.common.opened import library

FOREIGN = "Kwa nini bahari ina chumvi?"
ENGLISH = "Why is the sea salty?"

CARDS = (
    (
        "alignment",
        "Alignment",
        "See how a query is aligned with its translation, before and after distillation.",
        {"lang": "so", "need": parts.AHEAD},
    ),
    (
        "gaps",
        "Language gaps",
        "Which languages are served worse, by how much, and is it significant?",
        {"results": "ntrex128"},
    ),
    (
        "search",
        "Live search",
        "Ask in Somali and compare the rankings of up to four models.",
        {"lang": "so", "need": parts.AHEAD},
    ),
    ("inspector", "Query inspector", "Every query: winners, losers, and why.", {}),
    ("train", "Train", "Teach a student your languages from bitext.", {}),
    ("collections", "Collections", "See what is installed, and bring your own.", {}),
)


def render() -> None:
    st.title("OPTICAL Workbench")
    st.markdown(
        "Multilingual encoders understand some languages far better than others, and search built "
        "on them inherits the gap. **OPTICAL** teaches a query encoder a new language from "
        "translated sentences alone: optimal transport pairs the tokens of a sentence with those "
        "of its English translation, and the student moves towards them. Here you can see the "
        "pairing, measure the gap, and search across languages."
    )
    left, right = st.columns([3, 2], gap="large")
    with right:
        for page, title, text, query in CARDS:
            with st.container(border=True):
                parts.link(page, f"**{title}**", **query)
                st.caption(text)
    with left, st.spinner("Opening the encoder…"):
        # Imported this late so that the cards are on the screen first.
        from optical_core.ui.status import loaded
        from pages.common.first_start import prepared

        if not prepared():
            return
        _picture()
    with st.expander("What is loaded"):
        for line in loaded(library()):
            st.text(line)


def _picture() -> None:
    from optical_core.ui.alignment.figures import plan_ribbons
    from optical_core.ui.alignment.plans import plan_of_texts

    student = library().model_names(token_level=True)[0]
    parts.section("A Swahili question meets its English translation")
    for model in dict.fromkeys(("embedded", student)):
        try:
            plan = plan_of_texts(library(), model, FOREIGN, ENGLISH)
        except InputError as error:
            parts.fault(error)
            continue
        name = f"**{markdown_text(model)}** ({library().description(model)})"
        st.markdown(f"{name}: transport cost {plan.total_cost:.3f}")
        parts.chart(
            partial(plan_ribbons, plan.words()),
            key=f"start-{model}",
            name="alignment",
            title=f"Transport plan of {model} between “{FOREIGN}” and “{ENGLISH}”",
        )
    st.caption(
        "Computed just now. How to read this: each ribbon moves mass from a Swahili word to an "
        "English one. Blue is cheap (close in meaning), orange is expensive. The lower the cost, "
        "the closer the model places the question to its translation."
    )


if __name__ == "__main__":
    from pages.common.router import run

    run()
