"""Colours and fonts of all figures, readable on light and dark and for colour-blind people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import plotly.graph_objects as go

FONT = (
    "'Noto Sans', 'Source Sans', system-ui, 'Noto Sans Devanagari', 'Noto Sans Arabic', "
    "'Noto Naskh Arabic', 'Noto Sans Ethiopic', 'Noto Sans Thai', 'Noto Sans CJK SC', sans-serif"
)
"""Several families, so that each script has glyphs on the reader's machine."""

MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}
"""Pixels around a figure's panel."""

BLUE, GREEN, PURPLE, RED = "#2F86DE", "#1FA187", "#B565B8", "#D1495B"
AMBER, ORANGE, GREY = "#E08A00", "#D98324", "#8A8F98"
_FIXED = {"embedded": AMBER, "bm25": GREY}
_CYCLE = (BLUE, GREEN, PURPLE, RED, "#7C9A1F", "#5E6AD2")
"""Okabe and Ito's colour-blind safe palette, moved to mid tones for dark and light backgrounds."""


def model_colours(models: Iterable[str]) -> dict[str, str]:
    """A colour for each model; the undistilled encoder and BM25 always have the same ones."""
    colours: dict[str, str] = {}
    for model in models:
        used = len([name for name in colours if name not in _FIXED])
        colours[model] = _FIXED.get(model, _CYCLE[used % len(_CYCLE)])
    return colours


_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "star", "cross", "x", "pentagon")


def model_symbols(models: Iterable[str]) -> dict[str, str]:
    """A marker for each model, since colour alone must not carry the meaning."""
    return {model: _SYMBOLS[index % len(_SYMBOLS)] for index, model in enumerate(models)}


def ground(dark: bool) -> str:
    """The page's background. Saved pictures have it too."""
    return "#171614" if dark else "#FFFFFF"


def ink(dark: bool) -> str:
    """Colour of text and lines that must stand out."""
    return "#E6E9EF" if dark else "#1F2430"


def faint(dark: bool) -> str:
    """Colour of grids and other guides."""
    return "rgba(160,170,190,0.28)" if dark else "rgba(60,70,90,0.16)"


def tint(dark: bool) -> str:
    """Ground of what stands apart from its surroundings; text is read on it."""
    return "#25241F" if dark else "#F1F3F6"


def cost_scale(dark: bool) -> list[list[Any]]:
    """Colour scale of costs: low cost stands out, high cost fades into the background."""
    if dark:
        return [[0.0, "#8FB7D9"], [0.5, "#3C4E63"], [1.0, "#1A1F29"]]
    return [[0.0, "#9CC3E6"], [0.5, "#DDE7F1"], [1.0, "#FAFBFC"]]


CHEAP, DEAR = 0.1, 0.9
"""Costs of the scale's two ends. They are fixed, so two models' pictures can be compared."""


def cost_colour(cost: float) -> str:
    """Colour of a cost: blue is cheap, orange is expensive."""
    return blend(BLUE, ORANGE, (cost - CHEAP) / (DEAR - CHEAP))


def value_scale(dark: bool) -> list[list[Any]]:
    """Colour scale from 0 (the background) to 1, in even steps of lightness like viridis."""
    if dark:
        return [[0.0, "#1A1F29"], [0.35, "#274C77"], [0.7, "#3E92CC"], [1.0, "#E3F2C1"]]
    return [[0.0, "#F7F7F2"], [0.35, "#B7D7E8"], [0.7, "#3E92CC"], [1.0, "#0B2545"]]


def blend(low: str, high: str, share: float) -> str:
    """Mix two #RRGGBB colours. A share of 0 gives `low`, 1 gives `high`.

    >>> blend("#000000", "#ffffff", 0.5)
    '#808080'
    """
    share = min(max(share, 0.0), 1.0)
    parts = [
        round(int(low[i : i + 2], 16) * (1 - share) + int(high[i : i + 2], 16) * share)
        for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02x}" for part in parts)


def contrast(text: str, background: str) -> float:
    """WCAG's contrast of two #RRGGBB colours, from 1 to 21. Text needs 4.5.

    >>> round(contrast("#FFFFFF", "#000000"))
    21
    """
    lighter, darker = sorted((_luminance(text), _luminance(background)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def rgb(colour: str) -> str:
    """A #RRGGBB colour as the numbers of CSS's rgba().

    >>> rgb(BLUE)
    '47,134,222'
    """
    return ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))


def figure(
    traces: Iterable[Mapping[str, Any]] = (),
    *,
    dark: bool,
    height: int,
    x: Mapping[str, Any] | None = None,
    y: Mapping[str, Any] | None = None,
    **settings: Any,
) -> go.Figure:
    """Make a figure with the look that all figures share.

    It is made at once, from plain values: each later change takes as long as making it anew.

    Args:
        traces: what to draw, as Plotly's JSON has it, each with its `type`.
        dark: for the dark theme?
        height: in pixels.
        x: settings of the x axis.
        y: settings of the y axis.
        settings: of the rest of the layout.
    """
    axes = {"xaxis": {**axis(dark), **(x or {})}, "yaxis": {**axis(dark, "y"), **(y or {})}}
    layout = {**_look(dark, height), **axes, **settings, "template": "none"}
    made = go.Figure(list(traces), layout)
    # A template, even an empty one, makes Plotly draw again where nothing has changed.
    made.layout.template = None
    return made


def _look(dark: bool, height: int) -> dict[str, Any]:
    return {
        "height": height,
        "font": {"family": FONT, "size": 14, "color": ink(dark)},
        # A background, not none: a saved picture must be readable wherever it is used.
        "paper_bgcolor": ground(dark),
        "plot_bgcolor": ground(dark),
        "margin": MARGIN,
        "autotypenumbers": "strict",
        "hovermode": "closest",
        # Streamlit gives each figure to Plotly twice. Of the same revision, it is drawn once.
        "datarevision": 1,
        "hoverlabel": {
            "align": "left",
            "font": {"family": FONT, "size": 13, "color": ink(dark)},
            "bgcolor": ground(dark),
            "bordercolor": GREY,
        },
    }


def axis(dark: bool, side: str = "x") -> dict[str, Any]:
    """Settings that all axes share, for a further axis of a figure."""
    look = {"gridcolor": faint(dark), "zeroline": False, "automargin": True, "ticks": ""}
    if side == "y":
        return look | {"title_standoff": 10, "ticklabelstandoff": 4}
    return look | {"title_standoff": 15}


def note(text: str, *, dark: bool, height: int = 120) -> go.Figure:
    """An empty figure that says why it is empty."""
    said = {"text": text, "showarrow": False, "font": {"size": 14}}
    hidden = {"visible": False}
    return figure(dark=dark, height=height, x=hidden, y=hidden, annotations=[said])
