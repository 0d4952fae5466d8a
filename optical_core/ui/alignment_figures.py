"""Pictures of a transport plan: heatmap over cost, ribbons, convergence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from optical_core.transport import TransportPlan
from optical_core.transport.convergence import ConvergencePoint
from optical_core.ui.links import Link, Pin, is_faded, label, links_figure
from optical_core.ui.theme import BLUE, ORANGE, RED, blend, cost_scale, ink, layout, note

SMALLEST = 0.004
"""Shares below it are never drawn: Sinkhorn gives every pair a little mass."""
CHEAP, DEAR = 0.1, 0.9
"""Costs of the two colours: fixed, so that two models' pictures can be compared."""


def shown_mass(plan: TransportPlan, *, row_normalised: bool, threshold: float) -> np.ndarray:
    """The masses that figures draw, (n, m), as shares.

    Of the source token's own mass if `row_normalised`, else of the largest mass that one source
    token has. Shares below `threshold` are zero.
    """
    if row_normalised:
        shares = plan.row_normalised()
    else:
        shares = plan.plan / max(float(plan.plan.sum(1).max(initial=0.0)), 1e-12)
    return np.where(shares >= max(threshold, SMALLEST), shares, 0.0)


def plan_heatmap(
    plan: TransportPlan,
    *,
    dark: bool,
    row_normalised: bool = False,
    threshold: float = 0.0,
    pinned: Pin = None,
    gold: Sequence[tuple[int, int]] = (),
) -> go.Figure:
    """Cost as the ground, mass as discs on it (area = mass), gold links as rings.

    Axes are integers with tick texts, so that a token that comes twice keeps both its rows. The
    discs, invisible ones too, are what a click selects (customdata: i, j).
    """
    n, m = plan.plan.shape
    shares = shown_mass(plan, row_normalised=row_normalised, threshold=threshold)
    figure = go.Figure()
    figure.add_heatmap(
        z=plan.cost,
        x=list(range(m)),
        y=list(range(n)),
        colorscale=cost_scale(dark),
        zmin=CHEAP,
        zmax=DEAR,
        hoverinfo="skip",
        xgap=1,
        ygap=1,
        colorbar={"title": {"text": "cost", "side": "right"}, "thickness": 10, "len": 0.6},
    )
    _add_discs(figure, plan, shares, pinned, dark=dark)
    cell = _cell(n, m)
    if gold:
        figure.add_scatter(
            x=[j for _, j in gold],
            y=[i for i, _ in gold],
            mode="markers",
            marker={"size": cell * 0.95, "symbol": "square-open", "color": RED},
            hoverinfo="skip",
            name="gold",
            showlegend=False,
        )
    layout(figure, dark=dark, height=int(n * cell + 130), clickmode="event+select", dragmode=False)
    ticks = {"tickmode": "array", "fixedrange": True, "showgrid": False}
    figure.update_xaxes(
        **ticks,
        tickvals=list(range(m)),
        ticktext=[label(token, 16) for token in plan.target],
        side="top",
        tickangle=-45,
        range=[-0.5, m - 0.5],
    )
    figure.update_yaxes(
        **ticks,
        tickvals=list(range(n)),
        ticktext=[label(token, 16) for token in plan.source],
        range=[n - 0.5, -0.5],
    )
    return figure


def _add_discs(
    figure: go.Figure, plan: TransportPlan, shares: np.ndarray, pinned: Pin, *, dark: bool
) -> None:
    rows, columns = (axis.ravel() for axis in np.indices(shares.shape))
    cells = list(zip(rows.tolist(), columns.tolist(), strict=True))
    cell, total = _cell(*shares.shape), plan.total_cost
    sizes = np.sqrt(np.clip(shares, 0, 1)) * cell * 0.9
    faded = np.array([is_faded(pinned, i, j) for i, j in cells])
    visible = np.where(shares.ravel() > 0, np.where(faded, 0.18, 0.95), 0.0)
    figure.add_scatter(
        x=columns,
        y=rows,
        mode="markers",
        marker={
            "size": np.where(shares.ravel() > 0, np.maximum(sizes.ravel(), 4), cell * 0.8),
            "color": BLUE,
            "opacity": visible,
            "line": {"width": 1, "color": ink(dark)},
        },
        customdata=np.stack([rows, columns], 1),
        text=[_hover(plan, i, j, total) for i, j in cells],
        hovertemplate="%{text}<extra></extra>",
        unselected={"marker": {}},
        showlegend=False,
    )


def plan_ribbons(
    plan: TransportPlan,
    *,
    dark: bool,
    row_normalised: bool = False,
    threshold: float = 0.0,
    pinned: Pin = None,
) -> go.Figure:
    """Ribbons between the two token columns: thickness is mass, colour is cost."""
    if not plan.source or not plan.target:
        return note("no words on one of the sides", dark=dark)
    shares = shown_mass(plan, row_normalised=row_normalised, threshold=threshold)
    total = plan.total_cost
    links = [
        Link(
            int(i),
            int(j),
            float(shares[i, j]),
            blend(BLUE, ORANGE, (plan.cost[i, j] - CHEAP) / (DEAR - CHEAP)),
            _hover(plan, i, j, total),
        )
        for i, j in zip(*np.nonzero(shares), strict=True)
    ]
    return links_figure(plan.source, plan.target, links, dark=dark, pinned=pinned, full_weight=1.0)


def convergence_figure(points: Sequence[ConvergencePoint], *, dark: bool) -> go.Figure:
    """Marginal error (log) and <P, C> over the iterations."""
    if not points:
        return note("The exact solver does not iterate.", dark=dark)
    figure = make_subplots(rows=1, cols=2, horizontal_spacing=0.14)
    steps = [point.iterations for point in points]
    for column, values, colour in (
        (1, [max(point.marginal_error, 1e-9) for point in points], RED),
        (2, [point.cost for point in points], BLUE),
    ):
        figure.add_scatter(
            x=steps, y=values, mode="lines+markers", line={"color": colour}, row=1, col=column,
            showlegend=False, hovertemplate="%{x} iterations: %{y:.2g}<extra></extra>",
        )  # fmt: skip
    layout(figure, dark=dark, height=250)
    figure.update_xaxes(title_text="iterations")
    figure.update_yaxes(title_text="marginal error", type="log", exponentformat="power", col=1)
    figure.update_yaxes(title_text="cost ⟨P, C⟩", col=2)
    return figure


def _hover(plan: TransportPlan, i: int, j: int, total: float) -> str:
    mass, cost = float(plan.plan[i, j]), float(plan.cost[i, j])
    source, target = (label(token, 80) for token in (plan.source[i], plan.target[j]))
    return (
        f"<b>{source} → {target}</b><br>mass {mass:.3f}, "
        f"cost {cost:.3f}<br>{mass * cost / (total or 1.0):.1%} of the loss"
    )


def _cell(n: int, m: int) -> float:
    """Pixels of a cell: large for short sentences, never below what a finger can hit."""
    return float(np.clip(520 / max(n, m, 1), 20, 44))
