"""Runs that the reader uploads to the page Language gaps, or makes there."""

from __future__ import annotations

from typing import Any

import streamlit as st

from optical_core.analysis.measure_names import needed_depth
from optical_core.errors import InputError
from optical_core.escaping import markdown_text
from optical_core.retrieval.model_names import folder_name, label
from optical_core.storage import home
from optical_core.study.evaluate import DEPTH, evaluate
from optical_core.ui.gaps.view import upload_runs
from optical_core.ui.search.joined import typed_model
from optical_core.wording import split_names
from pages.common import parts
from pages.common.address import bound
from pages.common.opened import add_measurements, library
from pages.common.reading import reading

_MEASURES: dict[str, Any] = {
    "placeholder": "nDCG@20, R@1000, AP(rel=2)",
    "help": "Names of [ir-measures](https://ir-measur.es), comma-separated. The usual measures are "
    "always computed.",
}
"""What the fields for names of measures show."""

_JOINED: dict[str, Any] = {
    "placeholder": "bm25%100>>optical-lowres, rrf(optical-lowres,bm25)",
    "help": "As in Live search: `A%100>>B` ranks again, `0.9*A+0.1*B` and `rrf(A,B)` fuse.",
}
"""What the field for joined models shows."""
ON = "on"
"""Address parameter: the collection to evaluate on."""


def bring() -> None:
    """Let the reader add runs of their own to the session."""
    with st.expander("Bring your own runs", key="bring-runs", on_change="rerun") as box:
        if not box.open:
            return
        st.caption(
            "Upload TREC runs named model.language.run with their qrels, or a zipped folder of "
            "`optical evaluate`. Results for a collection listed here are shown with the others."
        )
        row = st.columns(3)
        runs = row[0].file_uploader("Runs", accept_multiple_files=True, key="runs")
        qrels = row[1].file_uploader("Qrels", key="qrels")
        archive = row[2].file_uploader("Evaluation folder (zip)", type="zip", key="archive")
        measures = st.text_input("Further measures of the runs", key="runs-measures", **_MEASURES)
        parallel = st.checkbox("The queries are parallel (the same in each language)")
        if st.button("Add", icon=":material/upload:"):
            try:
                with reading() as tell:
                    upload = upload_runs(
                        [(file.name, file.getvalue()) for file in runs],
                        qrels.getvalue() if qrels else None,
                        archive.getvalue() if archive else None,
                        parallel=parallel,
                        measures=measures,
                        tell=tell,
                    )
            except InputError as error:
                parts.fault(error)
            else:
                st.session_state["results"] = add_measurements(upload)


def evaluate_here(*, opened: bool) -> None:
    """Let the reader measure installed models on an installed collection.

    Args:
        opened: Is it open at first, also where the address doesn't ask for it?
    """
    with st.expander(
        "Evaluate models on this machine",
        expanded=opened or ON in st.query_params,
        key="evaluate-here",
        on_change="rerun",
    ) as box:
        if not box.open:
            return
        row = st.columns([2, 3])
        names = library().collection_names()
        name = bound(row[0].selectbox, "Collection", names, key=ON, default=names[0])
        models = row[1].multiselect("Models", library().model_names(), key="run-models")
        typed = st.text_input("Join models, separated by commas", key="run-join", **_JOINED)
        measures = st.text_input("Further measures", key="run-measures", **_MEASURES)
        st.caption("The demo takes about a minute per model on two cores. The page waits for it.")
        if st.button(
            "Evaluate", disabled=not (models or typed.strip()), icon=":material/play_arrow:"
        ):
            bar = st.progress(0.0)
            collection, names = library().collection(name), split_names(measures)
            try:
                joined = [typed_model(one, library().model_names()) for one in split_names(typed)]
                folders = [folder_name(label(model)) for model in (*models, *joined)]
                evaluate(
                    collection,
                    [*models, *joined],
                    collection.languages,
                    home("results", f"{name}-{'-'.join(folders)}"[:120]),
                    measures=names,
                    depth=max(DEPTH, needed_depth(names)),
                    watch=lambda share, text: bar.progress(share, text=markdown_text(text)),
                )
            except InputError as error:
                parts.fault(error)
            else:
                st.rerun()
