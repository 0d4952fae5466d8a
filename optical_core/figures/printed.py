"""Figures as files for papers: SVG, PDF and PNG with a title, keys and embedded fonts.

The pages' figures are Plotly's, which only a browser draws. Here matplotlib draws them: the kinds
of traces and shapes that this package's figures are made of. It is imported when a file is asked
for, and needs no browser and no network.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import plotly.graph_objects as go

from optical_core.figures.theme import ground, ink
from optical_core.process import BORROWING

FORMS = ("svg", "pdf", "png")
WIDTH = 720
"""Width of a file's picture, in the pixels of the pages' figures: 7.5 inches, a page of a paper."""
KEY_COLUMNS = 4
"""Most names side by side in a key."""
_BACKS = ("figure.facecolor", "savefig.facecolor", "axes.facecolor")
_FRONTS = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color")
"""Matplotlib's settings of the background, and of what must be read on it."""
_INCH = 96
_DPI = 300
_FAMILIES = (
    "Noto Sans",
    "DejaVu Sans",
    "Noto Sans Devanagari",
    "Noto Sans Bengali",
    "Noto Sans Telugu",
    "Noto Sans Tamil",
    "Noto Sans Arabic",
    "Noto Naskh Arabic",
    "Noto Sans Ethiopic",
    "Noto Sans Thai",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
)
"""Each glyph comes from the first of these that has it; DejaVu Sans comes with matplotlib."""


@dataclass(frozen=True)
class Printed:
    """A figure of a file.

    Attributes:
        figure: As the page has it.
        title: Stands above it: what it shows, of which models and languages.
        width: Its part of the file's width, from 0 to 1. Figures side by side add up to 1.
    """

    figure: go.Figure
    title: str
    width: float = 1.0


def printed(
    figures: Sequence[Printed], form: str, *, heading: str = "", dark: bool = False
) -> bytes:
    """Draw figures into one file, row by row.

    Args:
        figures: From left to right and from top to bottom; a row is full at a width of 1.
        form: One of `FORMS`. SVG has texts as outlines and PDF has the fonts in it, so both look
            the same everywhere; PNG has 300 dots an inch.
        heading: Stands above all of them.
        dark: Are the figures drawn for the dark theme?

    Raises:
        ValueError: An unknown form, or no figures.

    Examples:
        >>> from optical_core.figures.theme import note
        >>> printed([Printed(note("empty", dark=False), "A title")], "svg")[:5]
        b'<?xml'
    """
    if form not in FORMS:
        raise ValueError(f"unknown form {form!r}: use one of {', '.join(FORMS)}")
    if not figures:
        raise ValueError("there is no figure to draw")
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # Settings are the process's: two files at once would mix theirs.
    with BORROWING, mpl.rc_context(_settings(dark)), warnings.catch_warnings():
        # A script without a font on this machine is drawn as boxes; everything else is right.
        warnings.filterwarnings("ignore", message=".*missing from font.*")
        rows = list(_rows(figures))
        above = _wrapped(heading, 1.0)
        heights = [_text_height(above) or 1, *(max(map(_height, row)) for row in rows)]
        whole = Figure(figsize=(WIDTH / _INCH, sum(heights) / _INCH), layout="constrained")
        parts = whole.subfigures(
            len(heights), 1, height_ratios=heights, squeeze=False, frameon=False
        )[:, 0]
        _draw_text(parts[0], above, heights[0])
        for part, row, height in zip(parts[1:], rows, heights[1:], strict=True):
            _draw_row(part, row, height)
        file = io.BytesIO()
        whole.savefig(file, format=form, dpi=_DPI, metadata=_undated(form))
    return file.getvalue()


def picture_files(
    name: str, figures: Callable[[], Sequence[Printed]], *, heading: str = ""
) -> dict[str, Callable[[], bytes]]:
    """The files of figures, each drawn when it is asked for.

    Args:
        name: Of the files, without its ending.
        figures: Makes them, for the light theme.
        heading: As `printed` takes it.

    Returns:
        Name of a file -> what draws it.
    """
    return {f"{name}.{form}": partial(_file, figures, form, heading) for form in FORMS}


def _file(figures: Callable[[], Sequence[Printed]], form: str, heading: str) -> bytes:
    return printed(figures(), form, heading=heading)


def _draw_row(part: Any, row: Sequence[Printed], height: float) -> None:
    """Draw figures side by side, each under its title and its key."""
    from optical_core.figures.printed_axes import draw, draw_key

    shares = [each.width for each in row]
    places = part.subfigures(1, len(row), width_ratios=shares, squeeze=False, frameon=False)[0]
    for place, each in zip(places, row, strict=True):
        head = _head(each)
        top, below = place.subfigures(
            2, 1, height_ratios=[head, max(height - head, 1)], frameon=False
        )
        _draw_text(top, _wrapped(each.title, each.width), head)
        draw_key(top, draw(below, each.figure))


def _rows(figures: Iterable[Printed]) -> Iterable[list[Printed]]:
    row: list[Printed] = []
    for each in figures:
        if row and sum(one.width for one in row) + each.width > 1.001:
            yield row
            row = []
        row.append(each)
    yield row


def _draw_text(place: Any, text: str, height: float) -> None:
    """Draw lines of text at the top of a (sub)figure of a height in pixels."""
    place.text(0.01, 1 - 5 / height, text, ha="left", va="top", fontsize=10.5, linespacing=1.15)


def _wrapped(text: str, width: float) -> str:
    """A text in lines that fit a part of the file's width."""
    return "\n".join(textwrap.wrap(text, round(98 * width)))


def _text_height(text: str) -> float:
    """Height of lines of text in pixels."""
    return 24 * len(text.splitlines()) + 8 if text else 0


def _head(each: Printed) -> float:
    """Height of a title and a key in pixels."""
    traces = each.figure.data
    named = {trace.name for trace in traces if trace.name and trace.showlegend is not False}
    lines = -(-len(named) // KEY_COLUMNS)
    return 4 + _text_height(_wrapped(each.title, each.width)) + 24 * lines


def _height(each: Printed) -> float:
    """Height in pixels, with title and key."""
    return float(each.figure.layout.height or 400) + _head(each)


def _settings(dark: bool) -> Any:
    """The fonts that are on this machine, embedded; the sizes of the pages' figures; colours."""
    from matplotlib import font_manager

    known = set(font_manager.get_font_names())
    back, front = (ground(True), ink(True)) if dark else ("white", "black")
    return {
        **dict.fromkeys(_BACKS, back),
        **dict.fromkeys(_FRONTS, front),
        "grid.color": "#3B3934" if dark else "#E3E5E9",
        "font.family": [name for name in _FAMILIES if name in known],
        "font.size": 10.5,
        "svg.fonttype": "path",
        "svg.hashsalt": "optical",
        "pdf.fonttype": 42,
        "text.parse_math": False,
        "axes.linewidth": 0.6,
    }


def _undated(form: str) -> dict[str, Any] | None:
    """Metadata without a date: the same figure gives the same file."""
    return {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
