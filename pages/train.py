"""Train: teach a student new languages from bitext, in a process that outlives this page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, get_args

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from optical_core.analysis.export import csv_text
from optical_core.data.allowance import COMMAND, UPLOADS
from optical_core.data.languages import language_codes
from optical_core.data.sentence_pairs import SentencePair
from optical_core.distill.config import DistillConfig, Trainable, objective_names
from optical_core.distill.estimate import estimate_seconds
from optical_core.distill.jobs import Job, resume_job, start_job, stop_job
from optical_core.distill.runs import list_runs
from optical_core.distill.settings import resolve_config
from optical_core.distill.teach_config import TeachConfig
from optical_core.errors import InputError
from optical_core.escaping import markdown_text
from optical_core.models.backbones import EMBEDDED
from optical_core.ui.paths import typed_path
from optical_core.ui.training.figures import curves_told, training_figures
from optical_core.ui.training.view import NO_DEV, dev_log, duration, progress, training_log
from optical_core.ui.uploads import keep_bitext, training_pairs
from optical_core.wording import counted
from pages import train_compare
from pages.common import parts
from pages.common.address import bound
from pages.common.fence import fragment
from pages.common.opened import library
from pages.common.reading import reading
from pages.common.typed import taken
from pages.train_teach import teaching

READ = (
    "How to read this: the loss should fall and dev-set MAP should rise. The effective rank of the "
    "student's tokens should stay up: if it falls, the student is collapsing. Only one training "
    "runs at a time, the others wait. A training goes on when you close this page."
)
SIDES = {"queries": "Queries", "both": "Queries and passages"}
MISSING = {"folder": "type the path of a file or folder", "upload": "choose a file to upload"}
SOURCES = {"demo": "Demo", "folder": "File or folder", "upload": "Upload"}


def render() -> None:
    parts.header("Train", READ)
    runs = list_runs()
    _new(expanded=not runs or "dev" in st.query_params)
    teaching()
    compared = train_compare.chosen(runs) if len(runs) > 1 else []
    live = any(run.live for run in runs)
    fragment(_runs, run_every=3 if live else None)([run.name for run in compared])


def _new(*, expanded: bool) -> None:
    with st.expander("New student", expanded=expanded):
        source, typed = _settings()
        with st.container(horizontal=True):
            asked = st.button("How long will it take?", icon=":material/timer:")
            started = st.button("Start", type="primary", icon=":material/play_arrow:")
        if not (asked or started):
            return
        try:
            config = _config(source, typed)
            if asked:
                _estimate(config, source)
                return
            if not typed["name"]:
                raise InputError("give the student a name: letters, digits, dots and dashes")
            _pairs(config, source)
            start_job(config)
        except InputError as error:
            parts.fault(error)
        else:
            st.rerun()


def _settings() -> tuple[str, dict[str, Any]]:
    """Draw the form. Returns the source of the bitext, and the settings as typed."""
    row = st.columns(2)
    name = taken(row[0], row[0].text_input("Name of the student", placeholder="my-student"), 60)
    source = bound(
        row[1].segmented_control,
        "Bitext",
        list(SOURCES),
        key="from",
        default="demo",
        format_func=SOURCES.get,
        required=True,
    )
    bitext = _source(source)
    row = st.columns(2)
    languages = row[0].text_input(
        "Languages (comma-separated codes; empty for all in the bitext)",
        placeholder="so, sw, ha, yo",
    )
    teacher = bound(
        row[1].selectbox,
        "Teacher",
        library().teacher_names(),
        key="teacher",
        default=EMBEDDED,
        help="Encodes the English side of each pair. The student begins as a copy of it.",
    )
    row = st.columns(4)
    objective = bound(
        row[0].selectbox, "Objective", objective_names(), key="objective", default="optical"
    )
    trainable = bound(
        row[1].selectbox, "What is trained", get_args(Trainable), key="train", default="lora"
    )
    steps = bound(
        row[2].number_input,
        "Steps",
        key="steps",
        default=100,
        read=int,
        min_value=1,
        max_value=100_000,
        step=50,
    )
    dev = bound(
        row[3].selectbox,
        "Dev collection (picks the best step)",
        [NO_DEV, *library().collection_names()],
        key="dev",
        default=NO_DEV,
    )
    return source, {
        "name": name.strip(),
        "bitext": bitext,
        "languages": languages,
        "teacher": teacher,
        "objective": objective,
        "trainable": trainable,
        "steps": steps,
        "sides": _sides(),
        "dev": dev,
        "overlap": "drop",
    }


def _sides() -> str:
    sides: str = bound(
        st.segmented_control,
        "The student encodes",
        list(SIDES),
        key="sides",
        default="queries",
        format_func=SIDES.get,
        required=True,
        help="Passages are English, and the teacher encodes them, unless the student encodes them "
        "too. It can be in all its languages, and gets an index of its own.",
    )
    return sides


def _config(source: str, typed: dict[str, Any]) -> DistillConfig:
    """Turn the typed settings into a configuration.

    Raises:
        InputError: If a setting is wrong.
    """
    settings = {**typed, "name": typed["name"] or "unnamed"}
    if source == "folder":
        settings["bitext"] = [str(typed_path(path)) for path in typed["bitext"]]
    if not settings["bitext"]:
        raise InputError(f"there is nothing to train on: {MISSING[source]}")
    languages = settings.pop("languages")
    if languages.strip():
        settings["languages"] = language_codes(languages)
    if settings["dev"] == NO_DEV:
        del settings["dev"]
    return resolve_config(settings, None, [], demo=False)


def _source(source: str) -> list[str]:
    if source == "demo":
        return ["demo"]
    if source == "folder":
        path = taken(st, st.text_input("Path on this machine"), 1000)
        return [path.strip()] if path.strip() else []
    file = st.file_uploader(
        "TSV with a header of language codes, name.sw.tsv, TMX, or JSON Lines", key="bitext-file"
    )
    return [str(keep_bitext(file.name, file.getvalue()))] if file else []


def _pairs(config: DistillConfig, source: str) -> list[SentencePair]:
    """Read the pairs that the training would see. Limits are stricter for uploads."""
    with reading() as tell:
        return training_pairs(config, UPLOADS if source == "upload" else COMMAND, tell)


def _estimate(config: DistillConfig, source: str) -> None:
    pairs = _pairs(config, source)
    with st.spinner("Measuring this machine…"):
        seconds = estimate_seconds(config, pairs, library().pair(config.teacher).student)
    st.info(
        f"{counted(len(pairs), 'sentence pair')}. About {duration(seconds)} for "
        f"{counted(config.steps, 'step')} on "
        "this machine, if nothing else is running. Measuring on the dev collection takes extra."
    )


def _runs(compared: Sequence[str]) -> None:
    """Draw the comparison and each training; again every few seconds while one runs."""
    runs = list_runs()
    if not runs:
        st.info("Nothing has been trained here yet. Every list of models has the shipped students.")
    if len(compared) > 1:
        train_compare.render([run for run in runs if run.name in compared])
    for job in runs:
        with st.container(border=True):
            _job(job)


def _curve(log: pd.DataFrame, dev: pd.DataFrame, title: str, *, dark: bool) -> go.Figure:
    return training_figures(log, dev, dark=dark)[title]


def _curves(job: Job, log: pd.DataFrame) -> None:
    dev = dev_log(job)
    figures = training_figures(log, dev, dark=parts.is_dark())
    # In a narrow window, columns are stacked.
    for place, title in zip(st.columns(len(figures)), figures, strict=True):
        with place:
            st.markdown(f"**{title}**")
            parts.chart(
                partial(_curve, log, dev, title),
                key=f"{title}-{job.name}",
                name=f"{title}-{job.name}",
                title=f"{title}: {job.name}",
                alt=curves_told(f"{title}: {job.name}", figures[title]),
            )
    if not log.empty:
        st.download_button(
            "Log as CSV",
            csv_text(log),
            f"{job.name}.csv",
            key=f"log-{job.name}",
            on_click="ignore",
        )
    st.json(job.config.model_dump(), expanded=False)


def _job(job: Job) -> None:
    log = training_log(job)
    share, text = progress(job, log)
    colour = {"finished": "green", "running": "blue", "failed": "red"}.get(job.state, "gray")
    kind = "teacher" if isinstance(job.config, TeachConfig) else "student"
    title = f"**{markdown_text(job.name)}** :gray-badge[{kind}] :{colour}-badge[{job.state}]"
    row = st.columns([5, 1])
    row[0].markdown(title)
    with row[1]:
        if job.live and job.resumable:
            if st.button("Stop", key=f"stop-{job.name}", icon=":material/stop:"):
                stop_job(job.name)
                st.rerun(scope="fragment")
        elif (
            job.resumable
            and job.state != "finished"
            and st.button("Resume", key=f"resume-{job.name}", icon=":material/play_arrow:")
        ):
            resume_job(job.name)
            st.rerun()  # the whole page: it follows what is live, and nothing may have been
    st.progress(share, text=markdown_text(text))
    if job.error:
        parts.fault(job.error)
    with st.expander(
        "Curves and settings", expanded=job.live, key=f"curves-{job.name}", on_change="rerun"
    ) as box:
        if box.open:
            _curves(job, log)
    if job.state == "finished" and kind == "student":
        parts.link("search", "Search with it", model=["embedded", job.name])


if __name__ == "__main__":
    from pages.common.router import run

    run()
