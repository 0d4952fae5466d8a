"""Alignment: the transport plan between a text and its translation, before and after."""

from __future__ import annotations

import json

import streamlit as st

from optical_core.analysis.export import csv_text
from optical_core.errors import InputError
from optical_core.models.alignment import convergence_of
from optical_core.transport import TransportPlan
from optical_core.ui import loaders
from optical_core.ui.alignment_figures import convergence_figure, plan_heatmap, plan_ribbons
from optical_core.ui.alignment_view import (
    AlignmentView,
    gold_line,
    pin_from,
    plan_table,
    report_lines,
    translations,
)
from optical_core.ui.escaping import markdown_text
from optical_core.ui.token_html import plain, word_chips
from pages.common import parts
from pages.common.address import bound, held
from pages.common.alignment_controls import controls
from pages.common.fence import fragment
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
    view = controls()
    if view is None:
        return
    models = view.models
    pin = pin_from(held("pin"))
    clicked: str | None = None
    plans: dict[str, TransportPlan] = {}
    columns = st.columns(len(models), gap="large")
    for column, model in zip(columns, models, strict=True):
        with column:
            parts.section(markdown_text(model))
            st.caption(loaders.gloss(model))
            try:
                pair = loaders.pair(model, view.foreign, view.english, view.marginals)
                plan = loaders.plan(
                    model, view.foreign, view.english, view.marginals,
                    method=view.solver, epsilon=view.epsilon,
                )  # fmt: skip
            except (InputError, ValueError) as error:
                parts.fault(error)
                continue
            plans[model] = plan
            if pair.truncated:
                st.warning(f"{pair.truncated} tokens are cut: the encoder takes no more.")
            clicked = _draw(plan, view, pin, model) or clicked
            lines = report_lines(plan)
            if view.gold:
                lines.append(gold_line(plan, view.gold))
            for line in lines:
                st.caption(markdown_text(line))
    _pin(clicked)
    _convergence(view)
    _several(view)
    parts.files(lambda: _files(plans), key="plans")


def _draw(plan: TransportPlan, view: AlignmentView, pin: tuple[str, int] | None, model: str):
    """One plan in the chosen form; returns the token that was clicked."""
    shown = plan.words() if view.unit == "word" else plan
    if view.kind == "chips":
        st.html(word_chips(plan.words()))
        return None
    draw = plan_heatmap if view.kind == "heatmap" else plan_ribbons
    settings = {"gold": sorted(view.gold.possible)} if (
        view.gold and view.kind == "heatmap" and view.unit == "word"
    ) else {}  # fmt: skip
    figure = draw(
        shown, dark=parts.is_dark(), row_normalised=view.normalise, threshold=view.threshold,
        pinned=pin, **settings,
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


@fragment
def _convergence(view: AlignmentView) -> None:
    if view.solver == "exact":
        return
    with st.expander("How the solver converges", key="converges", on_change="rerun") as box:
        if not box.open:
            return
        model = view.models[-1]
        pair = loaders.pair(model, view.foreign, view.english, view.marginals)
        points = convergence_of(pair, method=view.solver, epsilon=view.epsilon)
        parts.chart(
            convergence_figure(points, dark=parts.is_dark()), key="convergence", name="convergence"
        )
        st.caption(f"{markdown_text(model)}: marginal error and cost after so many iterations.")


def _several(view: AlignmentView) -> None:
    with st.expander("The same query in several languages", expanded="many" in st.query_params):
        codes = translations(view.need)
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
                    plan = loaders.plan(model, text, english)
                    st.markdown(f"**{parts.language_name(code)}**: cost {plan.total_cost:.3f}")
                    parts.chart(
                        plan_ribbons(plan.words(), dark=parts.is_dark()),
                        key=f"many-{code}", name=f"plan-{code}",
                    )  # fmt: skip
        st.caption(
            f"{markdown_text(model)}; the lower the cost, the nearer the query is to its English "
            "translation."
            if chosen
            else f"Choose two or more: {len(codes)} translations are at hand."
        )


def _files(plans: dict[str, TransportPlan]) -> dict[str, str]:
    made = {}
    for model, plan in plans.items():
        made[f"plan-{model}.csv"] = csv_text(plan_table(plan))
        made[f"plan-{model}.json"] = json.dumps(plan.to_dict(), ensure_ascii=False, indent=1)
    return made


if __name__ == "__main__":
    from pages.common.router import run

    run()
