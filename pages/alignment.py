"""Alignment: the transport plan between a text and its translation, before and after."""

from __future__ import annotations

import json
from collections.abc import Callable

import streamlit as st

from optical_core.analysis.export import csv_text
from optical_core.errors import InputError
from optical_core.escaping import markdown_text
from optical_core.figures.printed import picture_files
from optical_core.transport import TransportPlan
from optical_core.ui.alignment.plans import encoded_texts, plan_of_texts, process_of_texts
from optical_core.ui.alignment.printing import plan_title, plans_heading, printed_plans
from optical_core.ui.alignment.tikz import plan_tikz
from optical_core.ui.alignment.view import (
    PICTURES,
    PROCESS,
    VIEWS,
    AlignmentView,
    gold_line,
    pin_from,
    plan_table,
    report_lines,
    unknown_words,
)
from optical_core.wording import counted
from pages import alignment_languages
from pages.alignment_controls import controls
from pages.alignment_pictures import Drawn, draw_plans
from pages.common import parts
from pages.common.address import bound, held
from pages.common.fence import fragment
from pages.common.first_start import prepared
from pages.common.flow import flow_process
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
    many = _view() == "many"
    view = controls(many=many)
    if view is None:
        return
    if many:
        alignment_languages.render(view)
        return
    st.caption(PICTURES[view.kind])
    if sentence := unknown_words(view):
        st.caption(sentence)
    plans = _pictures(view)
    _found(view)
    parts.files(lambda: _files(plans, view), key="plans")


def _view() -> str:
    """Draw the choice of one language or many."""
    chosen: str = bound(
        st.segmented_control,
        "View",
        list(VIEWS),
        key="view",
        default="one",
        required=True,
        format_func=VIEWS.get,
    )
    return chosen


def _pictures(view: AlignmentView) -> dict[str, TransportPlan]:
    """Draw a column a model. Returns the plans."""
    drawn: list[Drawn] = []
    columns = st.columns(len(view.models), gap="large")
    for column, model in zip(columns, view.models, strict=True):
        with column:
            parts.section(markdown_text(model))
            st.caption(library().description(model))
            plan = _solved(view, model, view.foreign)
            if plan is not None:
                before = drawn[0].plan if drawn else None
                drawn.append(
                    Drawn(plan, st.container(), model, view.foreign, view.language, before)
                )
    clicked = draw_plans(drawn, view, pin=pin_from(held("pin")))
    for each in drawn:
        lines = report_lines(each.plan)
        if view.gold:
            lines.append(gold_line(each.plan, view.gold))
        with each.place:
            for line in lines:
                st.caption(line)
    _pin(clicked)
    return {each.model: each.plan for each in drawn}


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


def _pin(clicked: str | None) -> None:
    """Pin a token that was just clicked, and tell which one is pinned."""
    if clicked is not None:
        st.session_state["pin"] = clicked
        st.rerun()
    if st.session_state["pin"]:
        st.caption("One token is pinned: its row or column stays, the others fade.")
        st.button("Unpin", icon=":material/keep_off:", on_click=_unpin)


def _unpin() -> None:
    st.session_state["pin"] = None


@fragment
def _found(view: AlignmentView) -> None:
    with st.expander("How transport finds it", key="found", on_change="rerun") as box:
        if not box.open:
            return
        model = view.models[-1]
        data = process_of_texts(
            library(),
            model,
            view.foreign,
            view.english,
            view.transport,
            view.unit,
            languages=(view.language, view.against),
            spaces=view.gold is not None,
        )
        if data is None:
            st.info("These texts are too long to be animated.")
            return
        st.caption(f"{markdown_text(model)}. {PROCESS}")
        flow_process(data, key="process")


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
