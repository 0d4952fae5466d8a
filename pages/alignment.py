"""Alignment: the transport plan between a text and its translation, before and after."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial

import plotly.graph_objects as go
import streamlit as st

from optical_core.analysis.export import csv_text
from optical_core.errors import InputError
from optical_core.escaping import markdown_text
from optical_core.figures.printed import picture_files
from optical_core.models.alignment import convergence_of
from optical_core.transport import TransportPlan
from optical_core.transport.convergence import ConvergencePoint
from optical_core.ui.alignment.figures import (
    convergence_figures,
    left_out,
    plan_heatmap,
    plan_ribbons,
    word_chips,
)
from optical_core.ui.alignment.plans import encoded_texts, plan_of_texts
from optical_core.ui.alignment.printing import plan_title, plans_heading, printed_plans
from optical_core.ui.alignment.tikz import plan_tikz
from optical_core.ui.alignment.view import (
    LONE,
    PICTURES,
    AlignmentView,
    gold_line,
    pin_from,
    plan_table,
    report_lines,
    translations,
    unknown_words,
)
from optical_core.ui.token_html import plain
from optical_core.wording import counted
from pages.alignment_controls import controls
from pages.common import parts
from pages.common.address import held
from pages.common.fence import fragment
from pages.common.first_start import prepared
from pages.common.opened import library

READ = (
    "How to read this: on the left is the text as the query encoder sees it. On the right is the "
    "text it is compared with, at first its English translation, as the teacher sees it. The plan "
    "moves the mass of the left tokens to the right ones. A student that has learnt the language "
    "does so at low cost, between words with the same meaning."
)


def render() -> None:
    parts.header("Alignment", READ)
    if not prepared():
        return
    view = controls()
    if view is None:
        return
    st.caption(PICTURES[view.kind])
    if sentence := unknown_words(view):
        st.caption(sentence)
    pin = pin_from(held("pin"))
    clicked: str | None = None
    plans: dict[str, TransportPlan] = {}
    columns = st.columns(len(view.models), gap="large")
    for column, model in zip(columns, view.models, strict=True):
        with column:
            parts.section(markdown_text(model))
            st.caption(library().description(model))
            plan = _solved(view, model, view.foreign)
            if plan is None:
                continue
            plans[model] = plan
            clicked = _draw(plan, view, model, plan_title(model, view), pin) or clicked
            lines = report_lines(plan)
            if view.gold:
                lines.append(gold_line(plan, view.gold))
            for line in lines:
                st.caption(line)
    _pin(clicked)
    _convergence(view)
    _several(view)
    parts.files(lambda: _files(plans, view), key="plans")


def _solved(view: AlignmentView, model: str, foreign: str) -> TransportPlan | None:
    """Solve the plan between a text and the view's right text.

    Returns:
        None if that fails. The page then shows the error in the plan's place.
    """
    try:
        cut = {"spaces": view.gold is not None}
        texts = library(), model, foreign, view.english
        pair = encoded_texts(*texts, view.transport.marginals, **cut)
        plan = plan_of_texts(*texts, view.transport, **cut)
    except (InputError, ValueError) as error:
        parts.fault(error)
        return None
    if pair.truncated:
        st.warning(f"{counted(pair.truncated, 'token')} cut off: the encoder reads no more.")
    return plan


def _draw(
    plan: TransportPlan,
    view: AlignmentView,
    name: str,
    title: str,
    pin: tuple[str, int] | None = None,
    *,
    pins: bool = True,
) -> str | None:
    """Draw one plan in the chosen form. Returns the clicked token, if any."""
    if view.unit == "word":
        plan = plan.words()
    if "" in (*plan.source, *plan.target):
        st.caption(LONE)
    if view.kind == "chips":
        st.html(word_chips(plan, smallest=max(view.threshold, 0.05)))
        return None
    draw = plan_heatmap if view.kind == "heatmap" else plan_ribbons
    settings = (
        {"gold": sorted(view.gold.possible)}
        if (view.gold and view.kind == "heatmap" and view.unit == "word")
        else {}
    )
    mass = {"row_normalised": view.normalise, "threshold": view.threshold}
    points = parts.chart(
        partial(draw, plan, pinned=pin, **mass, **settings),
        key=f"plan-{view.kind}-{name}",
        name=f"plan-{name}",
        title=title,
        select=pins,
        saved=not pins,
    )
    sentence = left_out(plan, **mass)
    if sentence:
        st.caption(sentence)
    return view.clicked(points)


def _pin(clicked: str | None) -> None:
    """Pin the clicked token. A selection outlives its click, so handle it only once."""
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
    if view.transport.method == "exact":
        return
    with st.expander("How the solver converges", key="converges", on_change="rerun") as box:
        if not box.open:
            return
        model = view.models[-1]
        pair = encoded_texts(
            library(),
            model,
            view.foreign,
            view.english,
            view.transport.marginals,
            spaces=view.gold is not None,
        )
        points = convergence_of(pair, view.transport)
        figures = convergence_figures(points, dark=parts.is_dark())
        # In a narrow window, columns are stacked.
        for place, side in zip(st.columns(len(figures)), figures, strict=True):
            with place:
                parts.chart(
                    partial(_curve, points, side),
                    key=f"convergence-{side}",
                    name=f"convergence-{side}",
                    title=f"{view.transport.method} with {model}, iteration by iteration: {side}",
                )
        halved = (
            " Epsilon starts larger and is halved step by step."
            if view.transport.method == "sinkhorn"
            else ""
        )
        st.caption(
            f"{markdown_text(model)}: marginal error and cost after every iteration.{halved}"
        )


def _several(view: AlignmentView) -> None:
    with st.expander("The same query in several languages", expanded="many" in st.query_params):
        texts = translations(library(), view)
        chosen = parts.language_choice(
            st.multiselect, "Languages", list(texts), key="many", default=[], max_selections=6
        )
        model = view.models[-1]
        st.html(plain(view.english, bold=True))
        for start in range(0, len(chosen), 3):
            for column, code in zip(st.columns(3), chosen[start : start + 3], strict=False):
                with column:
                    plan = _solved(view, model, texts[code])
                    if plan is None:
                        continue
                    st.markdown(f"**{parts.language_name(code)}**: cost {plan.total_cost:.3f}")
                    title = plan_title(model, view, texts[code], code)
                    _draw(plan, view, f"{model}-{code}", title, pins=False)
        st.caption(
            f"{markdown_text(model)}, with the settings above. The lower the cost, the closer the "
            "text is to the one on the right."
            if chosen
            else f"Choose two or more of {counted(len(texts), 'language')}."
        )


def _curve(points: Sequence[ConvergencePoint], side: str, *, dark: bool) -> go.Figure:
    return convergence_figures(points, dark=dark)[side]


def _files(
    plans: dict[str, TransportPlan], view: AlignmentView
) -> dict[str, str | Callable[[], bytes]]:
    """The plans as pictures of all models in one file, as TikZ, CSV and JSON."""
    files: dict[str, str | Callable[[], bytes]] = {
        **picture_files(
            "alignment", lambda: printed_plans(plans, view), heading=plans_heading(view)
        )
    }
    for model, plan in plans.items():
        files[f"plan-{model}.tex"] = plan_tikz(
            plan.words() if view.unit == "word" else plan,
            plan_title(model, view),
            row_normalised=view.normalise,
            threshold=view.threshold,
        )
        files[f"plan-{model}.csv"] = csv_text(plan_table(plan))
        files[f"plan-{model}.json"] = json.dumps(plan.to_dict(), ensure_ascii=False, indent=1)
    return files


if __name__ == "__main__":
    from pages.common.router import run

    run()
