"""Trainings laid over each other, and the settings in which they differ."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from optical_core.distill.jobs import Job
from optical_core.ui.training.figures import curves_told, overlay_figure, overlay_titles
from optical_core.ui.training.view import MOST_RUNS, RUNS, overlaid, settings_table
from pages.common import parts
from pages.common.address import bound


def chosen(runs: Sequence[Job]) -> list[Job]:
    """Draw the choice of trainings to compare."""
    names = [run.name for run in runs]
    parts.section("Compare trainings")
    picked = bound(
        st.multiselect,
        "Trainings (two or more)",
        names,
        key=RUNS,
        default=[],
        max_selections=MOST_RUNS,
    )
    return [run for run in runs if run.name in picked]


def render(runs: Sequence[Job]) -> None:
    """Draw the curves of trainings, and what differs in their settings."""
    logs = overlaid(runs)
    titles = overlay_titles(logs)
    if not titles:
        st.info("None of them has taken a step yet.")
    for start in range(0, len(titles), 2):
        for place, title in zip(st.columns(2), titles[start : start + 2], strict=False):
            with place:
                st.markdown(f"**{title}**")
                draw, named = partial(overlay_figure, logs, title), f"{title}: {', '.join(logs)}"
                parts.chart(
                    draw,
                    key=f"overlay-{title}",
                    name=f"overlay-{title}",
                    title=named,
                    alt=curves_told(named, draw(dark=False)),
                )
    st.caption(
        "Losses of different objectives can't be compared, and nor can OT costs of students with "
        "different teachers. Dev-set MAP can, on one collection."
    )
    table = settings_table(runs)
    if table.empty:
        st.info("Their settings are the same.")
    else:
        st.caption("Settings that differ:")
        parts.table(table, "settings")
