"""Trainings laid over each other, and the settings in which they differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from optical_core.distill.jobs import Job
from optical_core.errors import InputError
from optical_core.escaping import markdown_text
from optical_core.ui.training.figures import curves_told, overlay_figure, overlay_titles
from optical_core.ui.training.view import MOST_RUNS, RUNS, overlaid, settings_table
from pages.common import parts
from pages.common.address import bound
from pages.common.typed import taken

_TOLD = "_mean_told"
"""Key of what was last told of saving a mean."""


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
    if all(run.state == "finished" for run in runs):
        _mean([run.name for run in runs])


def _mean(names: Sequence[str]) -> None:
    """Offer to save the mean weights of trainings as a model of its own."""
    with st.expander("One model from their mean"):
        st.caption(
            "The mean weights of several trainings are as good as they are on average, or better, "
            "and cost no more to run (a model soup). They must be students of one teacher, or "
            "teachers that went on from one teacher."
        )
        row = st.columns(2)
        field = row[0].text_input("Name of the mean", placeholder="my-mean")
        name = taken(row[0], field, 60).strip()
        strength = row[1].slider(
            "Strength",
            0.1,
            1.0,
            1.0,
            0.05,
            help="0.7 keeps seven tenths of what was trained, and more of the encoder's quality "
            "in other domains.",
        )
        if st.button("Save the mean", icon=":material/merge:"):
            st.session_state.pop(_TOLD, None)
            with st.spinner("Averaging…", show_time=True):
                # Kept at once: the next tick of a training that runs ends this run.
                st.session_state[_TOLD] = _saved(names, name, strength)
            st.rerun()
        if told := st.session_state.get(_TOLD):
            show, sentence, saved = told
            show(sentence)
            if saved:
                parts.link("search", "Search with it", model=["embedded", saved])


def _saved(
    names: Sequence[str], name: str, strength: float
) -> tuple[Callable[[str], Any], str, str]:
    """Save a mean. Returns how to tell the outcome, the sentence, and the saved model."""
    from optical_core.models.soups import soup
    from optical_core.retrieval.model_names import new_model_folder

    try:
        if not name:
            raise InputError("give the mean a name: letters, digits, dots and dashes")
        soup(names, new_model_folder(name), strength=strength)
    except InputError as error:
        return parts.fault, str(error), ""
    return st.success, f"Saved: every list of models has {markdown_text(name)} now.", name
