"""Two columns of tokens and the links between them: transport plans and MaxSim matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go

from optical_core.ui.theme import faint, ink, layout

ROW = 27
"""Height of a token's row in pixels."""
LEFT, RIGHT = 0.0, 1.0
_STEPS = 14


@dataclass(frozen=True)
class Link:
    """A ribbon from left token i to right token j; `weight` sets its thickness."""

    i: int
    j: int
    weight: float
    colour: str
    hover: str


def links_figure(
    left: Sequence[str],
    right: Sequence[str],
    links: Sequence[Link],
    *,
    dark: bool,
    pinned: tuple[str, int] | None = None,
    full_weight: float | None = None,
) -> go.Figure:
    """Ribbons between two columns of tokens, top to bottom as they are read.

    pinned: ("left", i) or ("right", j) keeps that token's links and fades the others.
    full_weight: the weight of a ribbon as thick as a row; the largest by default.

    Columns, not rows, so that long words, right-to-left scripts and narrow screens all fit. The
    token labels are a scatter layer: clicking one selects its point (customdata: side, index).
    """
    rows = max(len(left), len(right), 1)
    figure = go.Figure()
    thickest = full_weight or max((link.weight for link in links), default=1.0) or 1.0
    positions = {"left": _spread(len(left), rows), "right": _spread(len(right), rows)}
    for link in sorted(links, key=lambda link: -link.weight):
        faded = pinned is not None and pinned != (
            pinned[0],
            link.i if pinned[0] == "left" else link.j,
        )
        half = max(0.42 * min(link.weight / thickest, 1.0), 0.02)
        xs, ys = _ribbon(positions["left"][link.i], positions["right"][link.j], half)
        figure.add_scatter(
            x=xs,
            y=ys,
            fill="toself",
            mode="lines",
            line={"width": 0.5, "color": link.colour},
            fillcolor=link.colour,
            opacity=0.10 if faded else 0.72,
            hoveron="fills",
            hoverinfo="text",
            text=link.hover,
            showlegend=False,
        )
    for side, tokens, x in (("left", left, LEFT), ("right", right, RIGHT)):
        figure.add_scatter(
            x=[x] * len(tokens),
            y=positions[side],
            mode="markers+text",
            text=[_label(token) for token in tokens],
            textposition="middle left" if side == "left" else "middle right",
            textfont={"color": ink(dark), "size": 15},
            marker={
                "size": [13 if pinned == (side, k) else 8 for k in range(len(tokens))],
                "color": ink(dark),
                "opacity": 0.85,
            },
            customdata=[[side, k] for k in range(len(tokens))],
            hovertemplate="%{text}<br>click to pin<extra></extra>",
            cliponaxis=False,
            showlegend=False,
        )
    layout(figure, dark=dark, height=ROW * rows + 24, clickmode="event+select", dragmode=False)
    # Room for the labels, in units of the gap between the columns.
    margin_left = _room(left)
    margin_right = _room(right)
    figure.update_xaxes(visible=False, range=[-margin_left, 1 + margin_right], fixedrange=True)
    figure.update_yaxes(visible=False, range=[rows - 0.4, -0.6], fixedrange=True)
    figure.update_layout(hovermode="closest")
    figure.update_traces(
        unselected={"marker": {"opacity": 0.85}}, selector={"mode": "markers+text"}
    )
    figure.update_xaxes(gridcolor=faint(dark))
    return figure


def _spread(count: int, rows: int) -> list[float]:
    """Rows of `count` tokens, the shorter side centred."""
    return [index + (rows - count) / 2 for index in range(count)]


def _room(tokens: Sequence[str]) -> float:
    longest = max((len(_label(token)) for token in tokens), default=1)
    return min(0.16 + 0.055 * longest, 1.3)


def _label(token: str) -> str:
    """Plotly reads a little HTML in text: none may come from a token. Long tokens are cut."""
    return escape(token if len(token) <= 22 else token[:21] + "…", quote=False)


def _ribbon(start: float, end: float, half: float) -> tuple[list[float], list[float]]:
    """Outline of a ribbon with a smooth S shape (cubic smoothstep)."""
    shares = [step / _STEPS for step in range(_STEPS + 1)]
    smooth = [start + (end - start) * (3 * s * s - 2 * s * s * s) for s in shares]
    xs = [0.02 + 0.96 * s for s in shares]
    return xs + xs[::-1], [y - half for y in smooth] + [y + half for y in smooth[::-1]]
