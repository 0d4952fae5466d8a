"""Draw the traces of a Plotly figure with matplotlib: scatter, bars, heatmaps."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from optical_core.escaping import plotly_plain
from optical_core.figures.theme import contrast

if TYPE_CHECKING:
    from optical_core.figures.printed_axes import Axis

_POINT = 0.75
"""Points (1/72 inch) in a pixel (1/96 inch)."""
_SYMBOLS = {
    "circle": "o",
    "diamond": "D",
    "square": "s",
    "triangle-up": "^",
    "triangle-down": "v",
    "triangle-left": "<",
    "triangle-right": ">",
    "star": "*",
    "cross": "P",
    "x": "X",
    "pentagon": "p",
}
_DASHES = {"dot": ":", "dash": "--", "solid": "-", "dashdot": "-."}
_SIDES = {"left": (-1, "right"), "right": (1, "left"), "center": (0, "center")}
_HEIGHTS = {"top": (1, "bottom"), "bottom": (-1, "top"), "middle": (0, "center")}


def points(trace: Mapping[str, Any], side: str) -> list[Any]:
    """A trace's values on one side ("x" or "y")."""
    values = trace.get(side)
    return [] if values is None else list(values)


def draw_trace(axes: Any, trace: Mapping[str, Any], x: Axis, y: Axis) -> None:
    """Draw one trace into matplotlib's axes.

    Raises:
        ValueError: A kind of trace that this package's figures don't have.
    """
    kinds = {"scatter": _scatter, "bar": _bar, "heatmap": _heatmap}
    kind = trace.get("type", "scatter")
    if kind not in kinds:
        raise ValueError(f"a trace of the type {kind!r} can't be drawn into a file")
    kinds[kind](axes, trace, x, y)


def _scatter(axes: Any, trace: Mapping[str, Any], x: Axis, y: Axis) -> None:
    mode = trace.get("mode", "lines")
    across, up = x.numbers(points(trace, "x")), y.numbers(points(trace, "y"))
    line, name = trace.get("line", {}), _name(trace)
    opacity = trace.get("opacity", 1)
    if "lines" in mode and line.get("width", 2):
        axes.plot(
            across,
            up,
            color=line.get("color"),
            linewidth=_POINT * line.get("width", 2),
            linestyle=_DASHES[line.get("dash", "solid")],
            alpha=opacity,
            solid_capstyle="butt",
            label="" if "markers" in mode else name,
            zorder=2,
        )
    if "error_x" in trace:
        error = trace["error_x"]
        axes.hlines(
            up,
            across - np.asarray(error["arrayminus"], float),
            across + np.asarray(error["array"], float),
            color=error.get("color"),
            linewidth=_POINT * error.get("thickness", 1),
        )
    if "markers" in mode:
        _markers(axes, trace, across, up, name)
    if "text" in mode:
        _texts(axes, trace, across, up)


def _name(trace: Mapping[str, Any]) -> str:
    """What the key calls a trace; nothing if it isn't in the key."""
    if trace.get("showlegend", True) is False or not trace.get("name"):
        return ""
    return plotly_plain(trace["name"])


def _each(value: Any, count: int, default: Any) -> list[Any]:
    """A setting of markers, which is one value or one for each."""
    value = default if value is None else value
    if isinstance(value, str) or np.isscalar(value):
        return [value] * count
    return list(value)


def _markers(
    axes: Any, trace: Mapping[str, Any], across: np.ndarray, up: np.ndarray, name: str
) -> None:
    from matplotlib.colors import to_rgba

    marker = trace.get("marker", {})
    count = len(across)
    symbols = _each(marker.get("symbol"), count, "circle")
    colours = _each(marker.get("color", trace.get("line", {}).get("color")), count, "black")
    sizes = np.asarray(_each(marker.get("size"), count, 6), float)
    opacity = np.asarray(_each(marker.get("opacity"), count, 1), float)
    edge = marker.get("line", {})
    for symbol in dict.fromkeys(map(str, symbols)):
        chosen = [at for at in range(count) if str(symbols[at]) == symbol and opacity[at] > 0]
        hollow = symbol.endswith("-open")
        own = [to_rgba(colours[at], opacity[at]) for at in chosen]
        axes.scatter(
            across[chosen],
            up[chosen],
            s=(_POINT * sizes[chosen]) ** 2,
            marker=_SYMBOLS[symbol.removesuffix("-open")],
            facecolors="none" if hollow else own,
            edgecolors=own if hollow or "color" not in edge else edge["color"],
            linewidths=_POINT * edge.get("width", 1 if hollow else 0),
            label=name,
            zorder=3,
            clip_on=trace.get("cliponaxis", True),
        )
        name = ""


def _texts(axes: Any, trace: Mapping[str, Any], across: np.ndarray, up: np.ndarray) -> None:
    font = trace.get("textfont", {})
    texts = points(trace, "text")
    places = _each(trace.get("textposition"), len(texts), "middle center")
    size = np.max(np.asarray(trace.get("marker", {}).get("size", 0), float))
    away = 3 + _POINT * size / 2
    for text, place, left, height in zip(texts, places, across, up, strict=False):
        if not text or np.isnan(left):
            continue
        vertical, horizontal = place.split()
        dx, ha = _SIDES[horizontal]
        dy, va = _HEIGHTS[vertical]
        axes.annotate(
            plotly_plain(str(text)),
            (left, height),
            xytext=(dx * away, dy * away),
            textcoords="offset points",
            ha=ha,
            va=va,
            fontsize=_POINT * font.get("size", 14),
            color=font.get("color"),
            annotation_clip=False,
        )


def _bar(axes: Any, trace: Mapping[str, Any], x: Axis, y: Axis) -> None:
    """Horizontal bars. Invisible ones, which only take clicks, are left out."""
    colours = _each(trace.get("marker", {}).get("color"), len(points(trace, "y")), "grey")
    up, lengths = y.numbers(points(trace, "y")), x.numbers(points(trace, "x"))
    starts = np.asarray(_each(trace.get("base"), len(up), 0.0), float)
    height = np.asarray(_each(trace.get("width"), len(up), 0.75), float)
    if "offset" in trace:
        up = up + trace["offset"] + height / 2
    for at, colour in enumerate(colours):
        if colour.startswith("rgba"):
            continue
        axes.barh(
            up[at],
            lengths[at],
            left=starts[at],
            height=height[at],
            color=colour,
            label="" if at else _name(trace),
            zorder=2,
        )
    for at, text in enumerate(points(trace, "text")):
        end = starts[at] + lengths[at]
        right = lengths[at] >= 0
        axes.annotate(
            plotly_plain(str(text)),
            (end, up[at]),
            xytext=(3 if right else -3, 0),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            fontsize=9,
            annotation_clip=False,
        )


def _heatmap(axes: Any, trace: Mapping[str, Any], x: Axis, y: Axis) -> None:
    from matplotlib import rcParams
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    scale = [(float(place), colour) for place, colour in trace["colorscale"]]
    values = np.asarray(trace["z"], float)
    across = x.numbers(points(trace, "x")) if trace.get("x") is not None else range(values.shape[1])
    up = y.numbers(points(trace, "y")) if trace.get("y") is not None else range(values.shape[0])
    mesh = axes.pcolormesh(
        across,
        up,
        values,
        cmap=LinearSegmentedColormap.from_list("scale", scale),
        vmin=trace.get("zmin"),
        vmax=trace.get("zmax"),
        edgecolors=rcParams["axes.facecolor"],
        linewidth=0.6 if trace.get("xgap") else 0,
        shading="nearest",
        rasterized=values.size > 4000,
        zorder=1,
    )
    bar = axes.figure.colorbar(mesh, ax=axes, fraction=0.04, pad=0.02)
    bar.outline.set_visible(False)
    title = (trace.get("colorbar", {}).get("title") or {}).get("text")
    if title:
        bar.set_label(plotly_plain(title))
    if trace.get("texttemplate"):
        for row, column in np.ndindex(values.shape):
            cell = to_hex(bar.cmap(bar.norm(values[row, column])))
            axes.text(
                across[column],
                up[row],
                f"{values[row, column]:.2f}",
                ha="center",
                va="center",
                fontsize=8,
                color=max("#FFFFFF", "#000000", key=partial(contrast, background=cell)),
            )
