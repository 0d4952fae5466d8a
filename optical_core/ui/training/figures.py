"""Pictures of the training page."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from optical_core.distill.config import objective_names
from optical_core.figures.theme import AMBER, BLUE, GREEN, PURPLE, RED, layout, note


def training_figure(log: pd.DataFrame, dev: pd.DataFrame, *, dark: bool) -> go.Figure:
    """Draw the loss with its parts, the effective rank, and dev-set MAP over the steps."""
    if log.empty and dev.empty:
        return note("The first numbers appear after ten steps.", dark=dark)
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
