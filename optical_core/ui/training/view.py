"""A training as the page shows it: its logs and its progress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import pandas as pd

from optical_core.distill.jobs import Job
from optical_core.distill.logs import LOG, read_log, read_stage
from optical_core.distill.teach_config import TeachConfig
from optical_core.wording import counted

NO_DEV = "none"
"""Chosen for no dev collection."""
OBJECTIVES = get_args(TeachConfig.model_fields["objective"].annotation)
"""Of a teacher."""
RUNS, MOST_RUNS = "run", 6
"""Address parameter of the compared trainings, and how many it may name."""
OT_COSTS = ("optical", "optical-unbalanced")
"""Objectives whose figure in the log is the cost of transport plans."""


def training_log(job: Job) -> pd.DataFrame:
    """log.csv of a training as numbers; empty before its first line."""
    return pd.DataFrame(read_log(job.folder / LOG)).apply(pd.to_numeric, errors="coerce")


def dev_log(job: Job) -> pd.DataFrame:
    """dev.csv of a training: step, mean MAP, MAP of each language."""
    return pd.DataFrame(read_log(job.folder / "dev.csv")).apply(pd.to_numeric, errors="coerce")


def overlaid(runs: Sequence[Job]) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Name of a training -> its log, with the OT cost as `cost`, and its dev measurements."""
    logs = {}
    for run in runs:
        log = training_log(run)
        costs = [name for name in OT_COSTS if name in log]
        logs[run.name] = log.rename(columns=dict(zip(costs, ["cost"], strict=False))), dev_log(run)
    return logs


def settings_table(runs: Sequence[Job]) -> pd.DataFrame:
    """The settings that differ between trainings: a row a setting, a column a training."""
    saved = {run.name: _settings(run) for run in runs}
    names = dict.fromkeys(name for settings in saved.values() for name in settings)
    rows = [
        {"setting": name} | {run: settings.get(name, "–") for run, settings in saved.items()}
        for name in names
        if len({settings.get(name, "–") for settings in saved.values()}) > 1
    ]
    return pd.DataFrame(rows, columns=["setting", *saved])


def _settings(run: Job) -> dict[str, str]:
    """A training's settings as texts, with what it is."""
    settings = run.config.model_dump(mode="json", exclude={"name"})
    texts = {name: _text(value) for name, value in settings.items()}
    return {"training": "teach" if isinstance(run.config, TeachConfig) else "distil"} | texts


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def progress(job: Job, log: pd.DataFrame) -> tuple[float, str]:
    """Share of the steps done, and a line on the stage, or on step, loss, speed and time left."""
    steps = job.config.steps
    if job.state == "finished":
        return 1.0, f"{steps:,} of {counted(steps, 'step')}"
    if job.state == "queued":
        return 0.0, "waiting for another training to end"
    running = job.state == "running"
    stage = read_stage(job.folder)
    if stage.step and not log.empty:
        # A training that goes on from a checkpoint repeats the steps after it.
        log = log[log["step"] <= stage.step]
    if log.empty and not stage.step:
        return 0.0, stage.doing if running else job.error or "stopped before its first step"
    last = log.iloc[-1] if not log.empty else {"step": 0}
    step = stage.step or int(last["step"])
    parts = [f"{step} of {counted(steps, 'step')}"]
    if not log.empty:
        parts.append(f"loss {last['loss']:.4f}")
    if pd.notna(last.get("optical")):
        parts.append(f"OT cost {last['optical']:.4f}")
    if running and not log.empty:
        parts.append(f"{last['tokens_per_second']:.0f} tokens/s")
    if not running:
        parts.append(going_on(job))
    elif stage.step and stage.seconds_left is not None:
        parts.append(f"about {duration(stage.seconds_left)} left{_mining(job, stage.step)}")
    else:
        parts.append(stage.doing)
    return min(step / steps, 1.0), ", ".join(parts)


def _mining(job: Job, step: int) -> str:
    """What a teacher's time left is without."""
    config = job.config
    if not isinstance(config, TeachConfig) or not config.negatives:
        return ""
    left = sum(end > step for end in config.round_ends) - 1
    return f", and {counted(left, 'round')} of mining" if left > 0 else ""


def going_on(job: Job) -> str:
    """Where a training that has stopped would go on."""
    how = "Resume" if job.resumable else "the same command"
    if job.kept:
        return f"{how} goes on after step {job.kept}, the last that was saved"
    every = counted(job.config.checkpoint_every, "step")
    return f"{how} begins anew: nothing was saved yet, that is done every {every}"


def duration(seconds: float) -> str:
    """A length of time as people say it.

    >>> duration(42), duration(400), duration(9000)
    ('42 s', '7 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
