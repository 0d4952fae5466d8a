"""Stills: what a page shows, apart from the page: pictures, tables and texts without controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from optical_core.escaping import html_text


@dataclass(frozen=True)
class Picture:
    """A figure.

    Attributes:
        draw: Makes the page's figure for a theme; it is called with `dark`.
        title: What it shows, of which models and languages.
        alt: What readers get who don't see it; by default the title.
    """

    draw: Callable[..., go.Figure]
    title: str
    alt: str = ""


@dataclass(frozen=True)
class Flow:
    """A plan that the browser draws itself.

    Attributes:
        data: As `flow_data` makes it.
    """

    data: Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        rows: The columns have the names of the page's files.
        title: Stands above it.
        style: Column, value -> CSS of a cell; none for plain cells.
        languages: Columns whose names are codes of languages.
        formats: Column -> how its cells are written; None as in the pages' tables of measurements.
    """

    rows: pd.DataFrame
    title: str = ""
    style: Callable[[str, Any], str] | None = None
    languages: Sequence[str] = ()
    formats: Mapping[str, Callable[[Any], str]] | None = None


@dataclass(frozen=True)
class Html:
    """HTML whose texts are escaped: made by the functions below, or by `token_html`."""

    text: str


Block = Picture | Flow | Table | Html
Columns = Sequence[Sequence[Block]]
"""Blocks from top to bottom, in columns from left to right."""
Parts = Mapping[str, Callable[[], Columns]]
"""Name of a part of a page -> what makes it, called only if that part is shown."""


def heading(text: str) -> Html:
    """The title of a column."""
    return Html(f"<h3>{html_text(text)}</h3>")


def line(text: str) -> Html:
    """A line of small text."""
    return Html(f'<p class="line">{html_text(text)}</p>')


def strong(text: str) -> Html:
    """A sentence that stands out."""
    return Html(f'<p class="strong">{html_text(text)}</p>')


def card(number: int, badges: Sequence[tuple[str, str]], *inside: str) -> Html:
    """One hit of a ranking.

    Args:
        number: Its rank.
        badges: (text, `plain`, `moved` or `good`).
        inside: HTML of `token_html`.
    """
    marks = " ".join(
        f'<span class="badge {kind}">{html_text(text)}</span>' for text, kind in badges
    )
    return Html(f'<div class="card"><p><b>{number}</b> {marks}</p>{"".join(inside)}</div>')
