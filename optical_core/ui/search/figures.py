"""Pictures of the search page."""

from __future__ import annotations

import plotly.graph_objects as go

from optical_core.figures.theme import BLUE
from optical_core.ui.links import Link, links_figure
from optical_core.ui.search.view import Explained


def match_figure(result: Explained, *, dark: bool) -> go.Figure:
    """Draw lines from the query tokens to the passage tokens that they matched."""
    links = [
        Link(i, j, max(value, 0.0), BLUE, f"{value:.3f} of {result.total:.3f}")
        for i, (j, value) in enumerate(zip(result.links, result.contributions, strict=True))
    ]
    return links_figure(result.tokens, result.targets, links, dark=dark, full_weight=1.5)
