"""Alignment: the transport plan between a text and its translation, before and after."""

from __future__ import annotations

import json

import streamlit as st

from optical_core.errors import InputError
from optical_core.models.alignment import MARGINALS, convergence_of, solve_pair
from optical_core.transport import METHODS, TransportPlan
from optical_core.ui import loaders
from optical_core.ui.alignment_figures import convergence_figure, plan_heatmap, plan_ribbons
from optical_core.ui.alignment_view import (
    AlignmentView,
    pin_from,
    plan_table,
    report_lines,
    translations,
)
from optical_core.ui.token_html import plain, word_chips
from pages.common import parts
from pages.common.address import bound, held
from pages.common.first_start import prepared

READ = (
    "How to read this: left the text as the query encoder sees it, right its English translation "
    "as the teacher sees it. Ribbons (or discs) are mass that the plan moves; blue is cheap, "
    "orange is expensive. A student that has learnt the language moves its mass cheaply, to the "
    "words that mean the same."
)


def render() -> None:
    parts.header("Alignment", READ)
    if not prepared():
        return
    view = _controls()
    if view is None:
        return
    models = view.models
    pin = pin_from(held("pin"))
    clicked: str | None = None
    plans: dict[str, TransportPlan] = {}
    columns = st.columns(len(models), gap="large")
    for column, model in zip(columns, models, strict=True):
        with column:
            st.subheader(loaders.model_label(model), anchor=False)
            try:
                pair = loaders.pair(model, view.foreign, view.english, view.marginals)
                plan = solve_pair(pair, method=view.solver, epsilon=view.epsilon)
            except (InputError, ValueError) as error:
                st.error(str(error))
                continue
            plans[model] = plan
            if pair.truncated:
                st.warning(f"{pair.truncated} tokens are cut: the encoder takes no more.")
            clicked = _draw(plan, view, pin, model) or clicked
            for line in report_lines(plan):
                st.caption(line)
    _pin(clicked)
    _convergence(view)
    _several(view)
    _downloads(plans)


def _controls() -> AlignmentView | None:
    codes = list(loaders.collection("demo").languages)
    row = st.columns([1, 1, 3])
    code = bound(
        row[0].selectbox, "Language", [c for c in codes if c != "en"],
        key="lang", default="so", format_func=parts.language_name,
    )  # fmt: skip
    other = bound(
        row[1].selectbox, "Against", codes,
        key="other", default="en", format_func=parts.language_name,
    )  # fmt: skip
    texts, against = loaders.queries("demo", code), loaders.queries("demo", other)
    need = bound(
        row[2].selectbox, "Demo query", list(against),
        key="need", default=next(iter(against)), format_func=against.get,
    )  # fmt: skip
    row = st.columns(2)
    foreign = bound(
        row[0].text_input, "Left text (or type your own)",
        key="a", default="", max_chars=2000, placeholder=texts[need],
    )  # fmt: skip
    english = bound(
        row[1].text_input, "Right text (or type your own)",
        key="b", default="", max_chars=2000, placeholder=against[need],
    )  # fmt: skip
    foreign, english = foreign.strip() or texts[need], english.strip() or against[need]
    row = st.columns([2, 2, 2])
    unit = bound(
        row[0].segmented_control, "Unit", ["word", "token"], key="unit", default="word",
        required=True,
    )  # fmt: skip
    kind = bound(
        row[1].segmented_control, "Picture", ["ribbons", "heatmap", "chips"],
        key="show", default="ribbons", required=True,
    )  # fmt: skip
    names = loaders.model_names(token_level=True)
    models = bound(
        row[2].multiselect, "Encoders", names, key="model",
        default=["embedded", names[0]], max_selections=3,
    )  # fmt: skip
    with st.expander("Transport settings"):
        row = st.columns(3)
        solver = bound(
            row[0].selectbox, "Solver", ["exact", *(m for m in METHODS if m != "exact")],
            key="solver", default="exact",
        )  # fmt: skip
        epsilon = bound(
            row[1].select_slider, "Epsilon (units of cost)",
            [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0],
            key="eps", default=0.05, read=float, disabled=solver == "exact",
            help="Strength of the entropy term: the larger, the more blurred the plan.",
        )  # fmt: skip
        marginals = bound(
            row[2].selectbox, "Marginals", list(MARGINALS), key="marginals",
            default=MARGINALS[0], help="mask-augmented: both sides extended with [MASK] to 32.",
        )  # fmt: skip
        row = st.columns(2)
        normalise = bound(
            row[0].toggle, "Row-normalise (each left token's mass is 1)", key="norm",
            default=False, read=lambda text: text == "True",
        )  # fmt: skip
        threshold = bound(
            row[1].select_slider, "Hide shares below", [0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
            key="min", default=0.0, read=float,
        )  # fmt: skip
    if not models:
        st.info("Choose at least one encoder.")
        return None
    return AlignmentView(
        foreign, english, need, code, tuple(models), unit, kind, solver, epsilon, marginals,
        normalise, threshold,
    )  # fmt: skip


def _draw(plan: TransportPlan, view: AlignmentView, pin: tuple[str, int] | None, model: str):
    """One plan in the chosen form; returns the token that was clicked."""
    shown = plan.words() if view.unit == "word" else plan
    if view.kind == "chips":
        st.html(word_chips(plan.words()))
        return None
    draw = plan_heatmap if view.kind == "heatmap" else plan_ribbons
    figure = draw(
        shown, dark=parts.is_dark(), row_normalised=view.normalise, threshold=view.threshold,
        pinned=pin,
    )  # fmt: skip
    points = parts.chart(
        figure, key=f"plan-{view.kind}-{model}", name=f"plan-{model}", select=True,
        alt=f"Transport plan of {model}",
    )  # fmt: skip
    return view.clicked(points)


def _pin(clicked: str | None) -> None:
    """Pin the clicked token. A selection outlives its click: act on it once."""
    if clicked != st.session_state.get("_clicked"):
        st.session_state["_clicked"] = clicked
        if clicked is not None:
            st.session_state["pin"] = clicked
            st.rerun()
    if st.session_state["pin"]:
        st.caption("One token is pinned: its row or column stays, the others fade.")
        st.button("Unpin", icon=":material/keep_off:", on_click=_unpin)


def _unpin() -> None:
    st.session_state["pin"] = None


def _convergence(view: AlignmentView) -> None:
    if view.solver == "exact":
        return
    with st.expander("How the solver converges"):
        model = view.models[-1]
        pair = loaders.pair(model, view.foreign, view.english, view.marginals)
        points = convergence_of(pair, method=view.solver, epsilon=view.epsilon)
        parts.chart(
            convergence_figure(points, dark=parts.is_dark()), key="convergence", name="convergence"
        )
        st.caption(f"{model}: marginal error and cost after so many iterations.")


def _several(view: AlignmentView) -> None:
    with st.expander("The same query in several languages", expanded="many" in st.query_params):
        codes = [c for c in loaders.collection("demo").languages if c != "en"]
        chosen = bound(
            st.multiselect, "Languages", codes, key="many", default=[],
            format_func=parts.language_name, max_selections=6,
        )  # fmt: skip
        model = view.models[-1]
        english = loaders.queries("demo", "en")[view.need]
        st.html(plain(english, bold=True))
        for start in range(0, len(chosen), 3):
            for column, code in zip(st.columns(3), chosen[start : start + 3], strict=False):
                with column:
                    text = loaders.queries("demo", code)[view.need]
                    plan = solve_pair(loaders.pair(model, text, english, "real-tokens"))
                    st.markdown(f"**{parts.language_name(code)}**: cost {plan.total_cost:.3f}")
                    parts.chart(
                        plan_ribbons(plan.words(), dark=parts.is_dark()),
                        key=f"many-{code}", name=f"plan-{code}",
                    )  # fmt: skip
        st.caption(
            f"{model}; the lower the cost, the nearer the query is to its English translation."
            if chosen
            else f"Choose two or more: {len(translations(view.need))} translations are at hand."
        )


def _downloads(plans: dict[str, TransportPlan]) -> None:
    st.caption(
        "No public gold word alignments were found for Swahili, Somali, Tagalog or Marathi, so "
        "none are shown here."
    )
    with st.container(horizontal=True):
        for model, plan in plans.items():
            st.download_button(
                f"JSON ({model})", json.dumps(plan.to_dict(), ensure_ascii=False, indent=1),
                file_name=f"plan-{model}.json", icon=":material/download:", on_click="ignore",
            )  # fmt: skip
            st.download_button(
                f"CSV ({model})", plan_table(plan).to_csv(index=False),
                file_name=f"plan-{model}.csv", icon=":material/download:", on_click="ignore",
            )  # fmt: skip


if __name__ == "__main__":
    from pages.common.router import run

    run()
