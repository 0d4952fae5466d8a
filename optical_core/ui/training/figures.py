"""Pictures of the training page."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from optical_core.distill.config import objective_names
from optical_core.escaping import plotly_text
from optical_core.figures.levels import legend
from optical_core.figures.theme import (
    AMBER,
    BLUE,
    GREEN,
    PURPLE,
    RED,
    figure,
    model_colours,
    note,
)

OVERLAYS = {
    "Loss": (0, "loss"),
    "OT cost": (0, "cost"),
    "Dev-set MAP": (1, "mean"),
    "Effective rank": (0, "effective_rank"),
}
"""Title -> a training's table (0: log, 1: dev measurements) and its column."""
_DASHES = ("solid", "dash", "dot", "dashdot")


def training_figures(log: pd.DataFrame, dev: pd.DataFrame, *, dark: bool) -> dict[str, go.Figure]:
    """Draw the loss with its parts, the effective rank, and dev-set MAP over the steps.

    Returns:
        Title -> figure: figures of their own fit a telephone, panels of one don't.
    """
    parts = dict.fromkeys(objective_names(), GREEN)
    losses = [
        _line(log, name, "OT cost" if name == "optical" else name, colour)
        for name, colour in {"loss": BLUE, **parts, "scores": PURPLE}.items()
        if name in log
    ]
    rank = "effective_rank"
    panels = {
        "Loss and its parts": losses,
        "Effective rank": [_line(log, rank, "effective rank", AMBER)] if rank in log else [],
        "Dev-set MAP": [] if dev.empty else [_line(dev, "mean", "dev MAP", RED)],
    }
    steps = {"title_text": "step"}
    figures = {
        title: figure(lines, dark=dark, height=280, x=steps, legend=legend())
        for title, lines in panels.items()
        if lines
    }
    return figures or {"Loss": note("The first numbers appear after the first step.", dark=dark)}


Logs = Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]
"""As `overlaid` makes them: name of a training -> its log and its dev measurements."""


def overlay_titles(logs: Logs) -> list[str]:
    """Keys of `OVERLAYS`: what at least one of the trainings has."""
    return [
        title
        for title, (of_dev, column) in OVERLAYS.items()
        if any(column in pair[of_dev] for pair in logs.values())
    ]


def overlay_figure(logs: Logs, title: str, *, dark: bool) -> go.Figure:
    """Draw several trainings over each other: one of `overlay_titles`."""
    of_dev, column = OVERLAYS[title]
    colours = model_colours(logs)
    lines = []
    for (name, pair), dash in zip(logs.items(), cycle(_DASHES)):
        if column in pair[of_dev]:
            line = {"color": colours[name], "dash": dash}
            lines.append(_line(pair[of_dev], column, plotly_text(name), "") | {"line": line})
    return figure(
        lines,
        dark=dark,
        height=300,
        x={"title_text": "step"},
        legend=legend(),
        showlegend=True,
    )


def curves_told(title: str, figure: go.Figure) -> str:
    """A picture of curves in words: where each begins and ends, and its best value.

    Args:
        title: Says what the figure shows; the best MAP and rank are the highest, else the lowest.
    """
    best = max if "MAP" in title or "rank" in title else min
    said = []
    for line in figure.data:
        points = [(float(y), int(x)) for x, y in zip(line.x, line.y, strict=True) if y == y]
        if not points:
            continue
        marks = {"from": points[0], "to": points[-1], f"{best.__name__}imum": best(points)}
        values = [f"{word} {y:.3g} at step {x:,}" for word, (y, x) in marks.items()]
        said.append(f"{line.name}: {', '.join(values if len(points) > 1 else values[:1])}.")
    return " ".join([f"{title}.", *said])


def _line(table: pd.DataFrame, column: str, name: str, colour: str) -> dict[str, Any]:
    table = table[table[column].notna()]
    return {
        "type": "scatter",
        "x": table["step"],
        "y": table[column],
        "name": name,
        "mode": "lines+markers" if len(table) <= 20 else "lines",
        "line": {"color": colour},
    }
