"""Pictures of the inspector page, and the colours of its table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from optical_core.data.languages import language
from optical_core.figures.theme import BLUE, ORANGE, figure, note, rgb, value_scale
from optical_core.ui.inspector.view import correlations

_FEW = 7
"""Languages whose numbers and slanted names have room on a telephone."""


def cell_style(value: object, *, difference: bool) -> str:
    """CSS background of a cell: shades of blue for levels, blue and orange for differences."""
    if not isinstance(value, int | float) or value != value:
        return ""
    if difference:
        colour = BLUE if value > 0 else ORANGE
        return f"background-color: rgba({rgb(colour)},{min(abs(value), 1) * 0.75:.2f})"
    return f"background-color: rgba({rgb(BLUE)},{min(max(value, 0), 1) * 0.6:.2f})"


def correlation_figure(table: pd.DataFrame, languages: Sequence[str], *, dark: bool) -> go.Figure:
    """Draw Spearman's correlation between languages over the same queries."""
    codes, matrix = correlations(table, languages)
    if matrix is None:
        return note("Needs two languages with the same queries.", dark=dark)
    names = [language(code).name for code in codes]
    cells = {
        "type": "heatmap",
        "z": np.round(matrix, 3),
        "x": names,
        "y": names,
        "zmin": 0,
        "zmax": 1,
        "colorscale": value_scale(dark),
        # More numbers would overlap on a telephone. They are in the hover text.
        "texttemplate": "%{z:.2f}" if len(codes) <= _FEW else None,
        "hovertemplate": "%{x}, %{y}: %{z:.3f}<extra></extra>",
        "colorbar": {"thickness": 10, "outlinewidth": 0},
        "xgap": 1,
        "ygap": 1,
    }
    return figure(
        [cells],
        dark=dark,
        height=30 * len(codes) + 150,
        x={"showgrid": False, "tickangle": -45 if len(codes) <= _FEW else -90},
        y={"showgrid": False, "autorange": "reversed"},
    )
