"""The form that starts the training of a teacher on relevance."""

from __future__ import annotations

from typing import Any, get_args

import streamlit as st

from optical_core.distill.config import Trainable
from optical_core.distill.jobs import start_job
from optical_core.distill.settings import resolve_teaching
from optical_core.errors import InputError
from optical_core.ui.paths import typed_path
from optical_core.ui.training.view import NO_DEV, OBJECTIVES
from optical_core.wording import split_names
from pages.common import parts
from pages.common.opened import library
from pages.common.reading import reading
from pages.common.typed import taken


def teaching() -> None:
    """Draw the form."""
    with st.expander("New teacher"):
        st.caption(
            "A teacher is trained on relevance: queries with passages that answer them, such as a "
            "BEIR folder, MS MARCO's triples, or passages that another model has scored. Students "
            "are then distilled from it."
        )
        with st.form("teach", border=False):
            settings = _settings()
            wanted = st.form_submit_button("Start", type="primary", icon=":material/play_arrow:")
        if not wanted:
            return
        try:
            if not settings["name"]:
                raise InputError("give the teacher a name: letters, digits, dots and dashes")
            paths = split_names(settings["relevance"])
            if not paths:
                raise InputError("there is nothing to train on: type the path of relevance data")
            settings["relevance"] = [str(typed_path(path)) for path in paths]
            config = resolve_teaching(settings, None, [])
            with reading():
                from optical_core.distill.teach import load_relevance

                load_relevance(config)
            start_job(config)
        except InputError as error:
            parts.fault(error)
        else:
            st.rerun()


def _settings() -> dict[str, Any]:
    """Draw the fields. Returns the settings as typed."""
    row = st.columns(2)
    name = taken(row[0], row[0].text_input("Name of the teacher", placeholder="my-teacher"), 60)
    paths = taken(
        row[1], row[1].text_input("Relevance: files or folders here, comma-separated"), 1000
    )
    row = st.columns(3)
    settings = {
        "name": name.strip(),
        "relevance": paths,
        "objective": row[0].selectbox("Objective", OBJECTIVES),
        "trainable": row[1].selectbox("What is trained", get_args(Trainable)),
        "dev": row[2].selectbox(
            "Dev collection (picks the best step)", [NO_DEV, *library().collection_names()]
        ),
    }
    row = st.columns(4)
    settings |= {
        "steps": int(row[0].number_input("Steps", 1, 100_000, 100, 50)),
        "dimension": int(row[1].number_input("Dimension of a token vector", 2, 4096, 128)),
        "negatives": int(row[2].number_input("Negatives of a query", 0, 100, 1)),
        "rounds": int(row[3].number_input("Rounds of mining", 1, 20, 1)),
        "overlap": "drop",
    }
    if settings["dev"] == NO_DEV:
        del settings["dev"]
    return settings
