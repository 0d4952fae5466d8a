"""What the training page shows of a job: curves and one line of figures."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from optical_core.distill.config import objective_names
from optical_core.distill.jobs import Job
from optical_core.distill.logs import Stage, read_log, read_stage
from optical_core.ui.theme import AMBER, BLUE, GREEN, PURPLE, RED, layout, note
from optical_core.wording import counted


def training_log(job: Job) -> pd.DataFrame:
    """log.csv of a run as numbers; empty before its first line."""
    return pd.DataFrame(read_log(job.folder / "log.csv")).apply(pd.to_numeric, errors="coerce")


def dev_log(job: Job) -> pd.DataFrame:
    """dev.csv of a run: step, mean MAP, MAP of each language."""
    return pd.DataFrame(read_log(job.folder / "dev.csv")).apply(pd.to_numeric, errors="coerce")


def training_figure(log: pd.DataFrame, dev: pd.DataFrame, *, dark: bool) -> go.Figure:
    """Loss with its parts, the alarms for a collapse, and dev-set MAP, over the steps."""
    if log.empty and dev.empty:
        return note("The first figures come after ten steps.", dark=dark)
    figure = make_subplots(
        rows=1, cols=3, subplot_titles=("Loss and its parts", "Effective rank", "Dev-set MAP")
    )
    parts = dict.fromkeys(objective_names(), GREEN)
    for name, colour in {"loss": BLUE, **parts, "scores": PURPLE}.items():
        if name in log:
            figure.add_scatter(
                x=log["step"],
                y=log[name],
                name="OT cost" if name == "optical" else name,
                line={"color": colour},
                row=1,
                col=1,
            )
    if "effective_rank" in log:
        figure.add_scatter(
            x=log["step"],
            y=log["effective_rank"],
            name="effective rank",
            line={"color": AMBER},
            showlegend=False,
            row=1,
            col=2,
        )
    if not dev.empty:
        figure.add_scatter(
            x=dev["step"],
            y=dev["mean"],
            name="dev MAP",
            mode="lines+markers",
            line={"color": RED},
            showlegend=False,
            row=1,
            col=3,
        )
    layout(figure, dark=dark, height=300, legend={"orientation": "h", "y": -0.25})
    figure.update_layout(margin={"l": 8, "r": 8, "t": 36, "b": 8})
    figure.update_xaxes(title_text="step")
    return figure


def progress(job: Job, log: pd.DataFrame) -> tuple[float, str]:
    """Share of the steps done, and a line: the stage, or step, loss, OT cost, speed, time left."""
    steps = job.config.steps
    if job.state == "finished":
        return 1.0, f"{steps:,} of {counted(steps, 'step')}"
    if job.state == "queued":
        return 0.0, "waiting for another training to end"
    running = job.state == "running"
    stage = read_stage(job.folder) if running else Stage("")
    if log.empty and not stage.step:
        return 0.0, stage.doing if running else job.error or "not begun"
    last = log.iloc[-1] if not log.empty else {"step": 0}
    step = max(int(last["step"]), stage.step)
    parts = [f"{step} of {counted(steps, 'step')}"]
    if not log.empty:
        parts.append(f"loss {last['loss']:.4f}")
    if pd.notna(last.get("optical")):
        parts.append(f"OT cost {last['optical']:.4f}")
    if running and not log.empty:
        parts.append(f"{last['tokens_per_second']:.0f} tokens/s")
    if stage.step and stage.seconds_left is not None:
        parts.append(f"about {duration(stage.seconds_left)} left")
    elif running:
        parts.append(stage.doing)
    return min(step / steps, 1.0), ", ".join(parts)


def duration(seconds: float) -> str:
    """A length of time as people say it.

    >>> duration(42), duration(400), duration(9000)
    ('42 s', '7 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
