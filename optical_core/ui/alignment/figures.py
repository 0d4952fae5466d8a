"""Pictures of a transport plan: heatmap over cost, ribbons, chips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from optical_core.escaping import html_text
from optical_core.figures.theme import (
    BLUE,
    CHEAP,
    DEAR,
    GREY,
    RED,
    cost_colour,
    cost_scale,
    figure,
    ink,
    note,
    rgb,
)
from optical_core.models.tokens import visible
from optical_core.transport import TransportPlan
from optical_core.ui.links import Link, Pin, is_faded, label, links_figure
from optical_core.ui.token_html import CHIP, STRONGEST, block

SMALLEST = 0.004
"""Smaller shares are not drawn, since Sinkhorn gives every pair a little mass. For long texts the
limit is a quarter of an even share."""
MOST_LINKS = 800
"""Most links in one picture; the heaviest are drawn. A browser takes a second for 1,000 shapes."""
MOST_CELLS = 400
"""Most cells of a heatmap in which empty cells get an invisible disc, so they can be clicked."""
_LABELLED = 26
"""Height of a heatmap's row, in pixels, that has room for its token."""


def shown_mass(
    plan: TransportPlan, *, row_normalised: bool, threshold: float, most: int = MOST_LINKS
) -> np.ndarray:
    """The mass that figures draw, (n, m), as shares.

    With `row_normalised`, a share of the source token's own mass. Otherwise a share of the
    largest mass of any source token. Shares below `threshold` are zero, and so are all but the
    `most` heaviest.
    """
    if row_normalised:
        shares = plan.row_normalised()
    else:
        shares = plan.plan / max(float(plan.plan.sum(1).max(initial=0.0)), 1e-12)
    smallest = min(SMALLEST, 0.25 / max(shares.shape[1], 1))
    shares = np.where(shares >= max(threshold, smallest), shares, 0.0)
    if np.count_nonzero(shares) > most:
        light = np.argsort(-shares, axis=None, kind="stable")[most:]
        np.put(shares, light, 0.0)
    return shares


def left_out(plan: TransportPlan, *, row_normalised: bool, threshold: float) -> str:
    """A sentence on how much of the mass is drawn; empty if that is nearly all."""
    drawn = shown_mass(plan, row_normalised=row_normalised, threshold=threshold) > 0
    total = float(plan.plan.sum())
    share = float(plan.plan[drawn].sum()) / total if total > 0 else 1.0
    if share >= 0.985:
        return ""
    links = np.count_nonzero(plan.plan > 1e-9)
    return (
        f"Drawn: the {np.count_nonzero(drawn):,} heaviest of {links:,} links, {share:.0%} of the "
        "mass. The files have all links."
    )


def plan_heatmap(
    plan: TransportPlan,
    *,
    dark: bool,
    row_normalised: bool = False,
    threshold: float = 0.0,
    pinned: Pin = None,
    gold: Sequence[tuple[int, int]] = (),
) -> go.Figure:
    """Draw cost as the background (one image), mass as discs (area = mass), gold links as squares.

    The axes are numbers with texts as labels, so a repeated token keeps a row for each occurrence.
    The browser leaves out labels that have no room. A click selects a disc (customdata: i, j). If
    there are few cells, empty ones have an invisible disc.
    """
    if not plan.source or not plan.target:
        return note("no words on one of the sides", dark=dark)
    n, m = plan.plan.shape
    shares = shown_mass(plan, row_normalised=row_normalised, threshold=threshold)
    cell = _cell(n, m)
    traces = [_costs(plan, dark=dark), _discs(plan, shares, pinned, dark=dark)]
    if gold:
        traces.append(
            {
                "type": "scatter",
                "x": [str(j) for _, j in gold],
                "y": [str(i) for i, _ in gold],
                "mode": "markers",
                "marker": {"size": cell * 0.95, "symbol": "square-open", "color": RED},
                "hoverinfo": "skip",
                "cliponaxis": False,
                "name": "gold",
                "showlegend": False,
            }
        )
    # An axis of categories: the browser draws as many labels as have room.
    axis = {"type": "category", "fixedrange": True, "showgrid": False, "ticks": ""}
    return figure(
        traces,
        dark=dark,
        height=int(n * cell + 180),
        x=axis
        | {
            "categoryarray": _places(m),
            "labelalias": _texts(plan.target),
            "side": "top",
            "tickangle": -90 if m > 12 else -45,
            "range": [-0.5, m - 0.5],
        },
        y=axis
        | {
            "categoryarray": _places(n),
            "labelalias": _texts(plan.source),
            "range": [n - 0.5, -0.5],
        },
        clickmode="event+select",
        dragmode=False,
    )


def _places(count: int) -> list[str]:
    return [str(place) for place in range(count)]


def _texts(tokens: Sequence[str]) -> dict[str, str]:
    """Place on an axis -> its label."""
    return {str(place): label(token, 16) for place, token in enumerate(tokens)}


def _costs(plan: TransportPlan, *, dark: bool) -> dict[str, Any]:
    n, m = plan.plan.shape
    gap = 1 if _cell(n, m) >= _LABELLED else 0
    return {
        "type": "heatmap",
        "z": plan.cost.astype(np.float32),
        "x": _places(m),
        "y": _places(n),
        "colorscale": cost_scale(dark),
        "zmin": CHEAP,
        "zmax": DEAR,
        "hovertemplate": "%{y} → %{x}<br>cost %{z:.3f}<extra></extra>",
        "xgap": gap,
        "ygap": gap,
        "colorbar": {
            "title": {"text": "cost", "side": "right"},
            "thickness": 10,
            "outlinewidth": 0,
            "orientation": "h",
            "y": 0,
            "yanchor": "top",
            "len": 0.6,
        },
    }


def _discs(plan: TransportPlan, shares: np.ndarray, pinned: Pin, *, dark: bool) -> dict[str, Any]:
    rows, columns = np.nonzero(np.ones_like(shares) if shares.size <= MOST_CELLS else shares)
    cells = list(zip(rows.tolist(), columns.tolist(), strict=True))
    drawn = shares[rows, columns]
    cell, total = _cell(*shares.shape), plan.total_cost
    sizes = np.maximum(np.sqrt(np.clip(drawn, 0, 1)) * cell * 0.9, 4)
    faded = np.array([is_faded(pinned, i, j) for i, j in cells], bool)
    return {
        "type": "scatter",
        "x": [str(j) for _, j in cells],
        "y": [str(i) for i, _ in cells],
        "mode": "markers",
        "marker": {
            "size": np.where(drawn > 0, sizes, cell * 0.8),
            "color": BLUE,
            "opacity": np.where(drawn > 0, np.where(faded, 0.18, 0.95), 0.0),
            "line": {"width": 1 if cell >= _LABELLED else 0, "color": ink(dark)},
        },
        "customdata": np.stack([rows, columns], 1),
        "text": [_hover(plan, i, j, total) for i, j in cells],
        "hovertemplate": "%{text}<extra></extra>",
        "unselected": {"marker": {}},
        "cliponaxis": False,  # a large disc at the edge is whole
        "showlegend": False,
    }


def plan_ribbons(
    plan: TransportPlan,
    *,
    dark: bool,
    row_normalised: bool = False,
    threshold: float = 0.0,
) -> go.Figure:
    """Draw ribbons between the two token columns: thickness is mass, colour is cost."""
    if not plan.source or not plan.target:
        return note("no words on one of the sides", dark=dark)
    shares = shown_mass(plan, row_normalised=row_normalised, threshold=threshold)
    total = plan.total_cost
    links = [
        Link(
            int(i),
            int(j),
            float(shares[i, j]),
            cost_colour(plan.cost[i, j]),
            _hover(plan, i, j, total),
        )
        for i, j in zip(*np.nonzero(shares), strict=True)
    ]
    return links_figure(plan.source, plan.target, links, dark=dark, full_weight=1.0)


def word_chips(plan: TransportPlan, *, smallest: float = 0.05) -> str:
    """One chip per source word (or token), with the targets that get most of its mass, best first.

    A target is shown with its share of the mass and its cost. The background is the mean cost of
    the chip's mass, in the colours of the ribbons.
    """
    shares = plan.row_normalised()
    means = (shares * plan.cost).sum(1)
    chips = []
    for row, word in enumerate(plan.source):
        order = sorted(range(len(plan.target)), key=lambda column: -shares[row, column])
        best = [column for column in order[:3] if shares[row, column] >= smallest]
        below = "<br>".join(
            f"{html_text(visible(plan.target[column]))} {shares[row, column]:.0%}"
            f" · {plan.cost[row, column]:.2f}"
            for column in best
        )
        colour = rgb(cost_colour(means[row])) if best else rgb(GREY)
        chips.append(
            f"<span style='{CHIP};background:rgba({colour},{STRONGEST:.2f})'>"
            f"<b>{html_text(visible(word))}</b><br>"
            f"<span style='font-size:.88em'>{below or '–'}</span></span>"
        )
    return block("".join(chips))


def _hover(plan: TransportPlan, i: int, j: int, total: float) -> str:
    mass, cost = float(plan.plan[i, j]), float(plan.cost[i, j])
    source, target = (label(token, 80) for token in (plan.source[i], plan.target[j]))
    return (
        f"<b>{source} → {target}</b><br>mass {mass:.3f}, "
        f"cost {cost:.3f}<br>{mass * cost / (total or 1.0):.1%} of the loss"
    )


def _cell(n: int, m: int) -> float:
    """Size of a cell in pixels: smaller for longer texts, so the picture keeps its size."""
    return float(np.clip(520 / max(n, m, 1), 4, 44))
