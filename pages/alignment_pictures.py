"""The pictures of the alignment page: plans, and what changed between two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from optical_core.transport import TransportPlan
from optical_core.ui.alignment.figures import left_out, plan_heatmap, word_chips
from optical_core.ui.alignment.flows import (
    change_flow,
    change_text,
    cost_range,
    flow_data,
    plan_flow,
    plan_text,
)
from optical_core.ui.alignment.printing import plan_title
from optical_core.ui.alignment.view import LONE, AlignmentView
from pages.common import parts
from pages.common.flow import flow_picture

Pin = tuple[str, int] | None


@dataclass(frozen=True)
class Drawn:
    """A plan of tokens and how it is drawn.

    Attributes:
        plan: The plan.
        place: Where it is drawn.
        model: Whose plan it is.
        foreign: The left text.
        language: Its code.
        before: The plan of the view's first model, for a picture of the change.
        name: Tells it from the model's other pictures.
    """

    plan: TransportPlan
    place: DeltaGenerator
    model: str
    foreign: str
    language: str
    before: TransportPlan | None = None
    name: str = ""

    def key(self, kind: str) -> str:
        """Tells a picture from the page's others."""
        return "-".join(filter(None, (kind, self.model, self.name)))

    def shown(self, unit: str) -> TransportPlan:
        """The plan of words or of tokens."""
        return self.plan.words() if unit == "word" else self.plan


def draw_plans(
    plans: Sequence[Drawn], view: AlignmentView, *, pin: Pin = None, pins: bool = True
) -> str | None:
    """Draw plans in the chosen form. Pictures of one call have one scale of colours.

    Returns:
        The token of a heatmap that was just clicked, if any.
    """
    clicked = None
    mass = {"row_normalised": view.normalise, "threshold": view.threshold}
    flows = [plan_flow(each.plan, view.unit, **mass) for each in plans]
    changes = [view.kind == "change" and each.before is not None for each in plans]
    costs = cost_range([flow for flow, change in zip(flows, changes, strict=True) if not change])
    for each, flow in zip(plans, flows, strict=True):
        shown = each.shown(view.unit)
        text = f"Transport plan of {each.model}. {plan_text(shown)}"
        with each.place:
            if "" in (*shown.source, *shown.target):
                st.caption(LONE)
            if view.kind == "chips":
                st.html(word_chips(shown, smallest=max(view.threshold, 0.05)))
                continue
            if view.kind == "change" and each.before is not None:
                _change(each, each.before, view, pin, pins)
                continue
            if view.kind == "heatmap":
                clicked = _heatmap(each, shown, view, mass, pin, pins, text) or clicked
            else:
                languages = (each.language, view.against)
                data = flow_data(flow, costs, text, languages=languages, pinned=pin, pins=pins)
                flow_picture(data, key=each.key("flow"))
            if sentence := left_out(shown, **mass):
                st.caption(sentence)
    return clicked


def _change(each: Drawn, before: TransportPlan, view: AlignmentView, pin: Pin, pins: bool) -> None:
    """Draw what a plan gained and lost against that of the first model."""
    flow = change_flow(each.plan, before, view.unit)
    if flow is None:
        st.info("These encoders cut the texts differently. Choose the unit word to compare them.")
        return
    text = change_text(flow, each.plan.total_cost - before.total_cost)
    st.caption(f"Minus {view.models[0]}: {text}")
    languages = (each.language, view.against)
    label = f"{each.model} minus {view.models[0]}: {text}"
    data = flow_data(flow, (0.0, 1.0), label, languages=languages, pinned=pin, pins=pins)
    flow_picture(data, key=each.key("flow"))


def _heatmap(
    each: Drawn,
    shown: TransportPlan,
    view: AlignmentView,
    mass: Mapping[str, float],
    pin: Pin,
    pins: bool,
    alt: str,
) -> str | None:
    gold = sorted(view.gold.possible) if view.gold and view.unit == "word" else ()
    title = plan_title(each.model, view, each.foreign, each.language)
    key = each.key("heatmap")
    points = parts.chart(
        partial(plan_heatmap, shown, pinned=pin, gold=gold, **mass),
        key=key,
        name=f"plan-{each.model}",
        title=title,
        select=pins,
        saved=False,
        alt=alt,
    )
    # A selection outlives its click.
    clicked, seen = view.clicked(points), f"_clicked-{key}"
    earlier, st.session_state[seen] = st.session_state.get(seen), clicked
    return clicked if clicked != earlier else None
