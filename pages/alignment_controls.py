"""The controls of the alignment page. They define its view and are bound to the address."""

from __future__ import annotations

from typing import Any

import streamlit as st

from optical_core.data.gold import GoldPair
from optical_core.errors import InputError
from optical_core.transport import TransportSettings
from optical_core.transport.marginals import MARGINALS
from optical_core.ui.alignment.languages import typed_texts
from optical_core.ui.alignment.view import (
    EPSILON,
    EPSILONS,
    LONGEST,
    MOST_MODELS,
    PICTURES,
    SOLVERS,
    THRESHOLDS,
    UNITS,
    AlignmentView,
)
from optical_core.ui.examples import first_encoders
from pages.common import parts
from pages.common.address import bound
from pages.common.opened import library
from pages.common.typed import text_area, text_input


def controls(*, many: bool) -> AlignmentView | None:
    """Draw the controls. Returns None, and shows the reason, if there is nothing to align.

    Args:
        many: Is the view one of many languages?
    """
    view = AlignmentView(**_texts(many), **_picture(), **_transport())
    if not view.models:
        st.info("Choose at least one encoder.")
        return None
    return view


def _texts(many: bool) -> dict[str, Any]:
    """Draw the choice of texts. Returns them and where they come from."""
    codes = list(library().collection("demo").languages)
    row = st.columns([1, 1, 3])
    code = parts.example_language(row[0].selectbox, "Language", [c for c in codes if c != "en"])
    other = parts.language_choice(row[1].selectbox, "Against", codes, key="other", default="en")
    texts, against = library().queries("demo", code), library().queries("demo", other)
    need = parts.example_query(row[2].selectbox, "Demo query", against)
    row = st.columns(2)
    foreign = text_input(
        row[0], "Left text (or type your own)", key="a", longest=LONGEST, placeholder=texts[need]
    )
    english = text_input(
        row[1],
        "Right text (or type your own)",
        key="b",
        longest=LONGEST,
        placeholder=against[need],
    )
    typed = foreign.strip() not in ("", texts[need]), english.strip() not in ("", against[need])
    foreign, english = foreign.strip() or texts[need], english.strip() or against[need]
    others = _others() if many else ()
    gold = None if many else _gold()
    if gold:
        foreign, english = gold.foreign, gold.english
        st.caption("This is the gold pair. Clear its file field to return to the texts above.")
    return {
        "foreign": foreign,
        "english": english,
        "need": need,
        "language": code,
        "against": other,
        "gold": gold,
        "left_typed": typed[0],
        "right_typed": typed[1],
        "others": others,
    }


def _others() -> tuple[tuple[str, str], ...]:
    """Draw the field for texts in further languages. Returns them with their languages' codes."""
    with st.expander("Type the texts of other languages", expanded="texts" in st.query_params):
        typed = text_area(
            st,
            "One a line, after the language's code",
            key="texts",
            longest=10 * LONGEST,
            placeholder="am: ባሕር ለምን ጨዋማ ነው?",
            help="Any language will do, one that the demo lacks too. A text that is typed here "
            "takes the place of the demo's query in its language.",
        )
    try:
        return tuple(typed_texts(typed))
    except InputError as error:
        parts.fault(error)
        return ()


def _picture() -> dict[str, Any]:
    """Draw the choice of encoders, unit and picture."""
    row = st.columns([2, 2, 2])
    unit = bound(
        row[0].segmented_control,
        "Unit",
        UNITS,
        key="unit",
        default="word",
        required=True,
    )
    kind = bound(
        row[1].segmented_control,
        "Picture",
        list(PICTURES),
        key="show",
        default="ribbons",
        required=True,
    )
    models = bound(
        row[2].multiselect,
        "Encoders",
        library().model_names(token_level=True),
        key="model",
        default=first_encoders(library()),
        max_selections=MOST_MODELS,
    )
    return {"unit": unit, "kind": kind, "models": tuple(models)}


def _transport() -> dict[str, Any]:
    """Draw the solver's settings and the limits of what is drawn."""
    with st.expander("Transport settings"):
        row = st.columns(3)
        solver = bound(
            row[0].selectbox,
            "Solver",
            SOLVERS,
            key="solver",
            default="exact",
        )
        epsilon = bound(
            row[1].select_slider,
            "Epsilon (units of cost)",
            EPSILONS,
            key="eps",
            default=EPSILON,
            read=float,
            disabled=solver == "exact",
            help="Strength of the entropy term: the larger, the more blurred the plan.",
        )
        marginals = bound(
            row[2].selectbox,
            "Marginals",
            list(MARGINALS),
            key="marginals",
            default=MARGINALS[0],
            help="mask-augmented extends both sides to 32 tokens with [MASK].",
        )
        row = st.columns(2)
        normalise = bound(
            row[0].toggle,
            "Row-normalise (each left token's mass is 1)",
            key="norm",
            default=False,
            read=lambda text: text == "True",
        )
        threshold = bound(
            row[1].select_slider,
            "Hide shares below",
            THRESHOLDS,
            key="min",
            default=0.0,
            read=float,
        )
    return {
        "transport": TransportSettings(solver, epsilon, marginals=marginals),
        "normalise": normalise,
        "threshold": threshold,
    }


def _gold() -> GoldPair | None:
    """Draw the choice of a gold alignment file on this machine. Returns the chosen pair."""
    with st.expander("Compare with gold word alignments", expanded="gold" in st.query_params):
        row = st.columns([4, 1])
        path = text_input(
            row[0],
            "File (NAME.src-tgt beside NAME.gold, or an XL-WA TSV)",
            key="gold",
            longest=1000,
        )
        number = bound(
            row[1].number_input, "Sentence", key="sentence", default=1, read=int, min_value=1
        )
        st.caption(
            "We found no public gold word alignments for Swahili, Somali, Tagalog or Marathi, so "
            "the demo has none. Files exist for French, Romanian, Japanese, Chinese "
            "(awesome-align), Spanish and Italian (XL-WA), among others."
        )
        if not path.strip():
            return None
        pairs = library().gold_pairs(path.strip())
        return pairs[min(number, len(pairs)) - 1]
