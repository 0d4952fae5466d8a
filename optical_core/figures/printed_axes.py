"""Draw a Plotly figure's panels, axes, shapes, notes and key with matplotlib."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from optical_core.escaping import plotly_plain
from optical_core.figures.printed_traces import draw_trace, points

_DASHES = {"dot": ":", "dash": "--", "solid": "-", "dashdot": "-."}


class Axis:
    """One axis of a Plotly figure: its numbers, whatever they stand for."""

    def __init__(self, settings: Mapping[str, Any], values: Sequence[Any]) -> None:
        self.settings = settings
        self.log = settings.get("type") == "log"
        texts = [value for value in values if isinstance(value, str)]
        known = settings.get("categoryarray")
        order = list(known if known is not None else dict.fromkeys(texts))
        self.categories = order if texts or settings.get("type") == "category" else None

    def numbers(self, values: Any) -> np.ndarray:
        """Values as numbers; a category's is its place, what is missing is NaN."""
        if self.categories is not None:
            return np.array([self.categories.index(value) for value in values], float)
        return np.array([np.nan if value is None else value for value in values], float)

    @property
    def ends(self) -> tuple[float, float] | None:
        """The range, in the axis's own numbers."""
        given = self.settings.get("range")
        if given is None:
            if self.categories is None:
                return None
            ends = (-0.5, len(self.categories) - 0.5)
            return ends[::-1] if self.settings.get("autorange") == "reversed" else ends
        low, high = (float(end) for end in given)
        return (10**low, 10**high) if self.log else (low, high)

    def label(self, axes: Any, side: str) -> None:
        """Set title, scale, range and ticks of one side ("x" or "y") of matplotlib's axes."""
        part = getattr(axes, f"{side}axis")
        title = (self.settings.get("title") or {}).get("text")
        if title:
            getattr(axes, f"set_{side}label")(plotly_plain(title))
        if self.log:
            getattr(axes, f"set_{side}scale")("log")
        if self.settings.get("visible") is False:
            part.set_visible(False)
        if self.ends is not None:
            getattr(axes, f"set_{side}lim")(*self.ends)
        self._ticks(part)
        if side == "x" and self.settings.get("side") == "top":
            part.tick_top()
        if self.settings.get("showgrid", True) and self.settings.get("visible", True):
            part.grid(True, linewidth=0.6)

    def _ticks(self, part: Any) -> None:
        places = self.settings.get("tickvals")
        labels = self.settings.get("ticktext")
        if places is None and self.categories is not None:
            alias = self.settings.get("labelalias") or {}
            places = range(len(self.categories))
            labels = [alias.get(name, name) for name in self.categories]
        if places is None:
            return
        part.set_ticks(list(places), minor=False)
        if labels is None:
            labels = [f"{place:g}" for place in places]
        part.set_ticklabels([plotly_plain(str(label)) for label in labels])
        part.set_minor_locator(_nothing())
        for text, label in zip(part.get_ticklabels(), labels, strict=False):
            if str(label).startswith("<b>"):
                text.set_fontweight("bold")
        angle = self.settings.get("tickangle")
        if angle:
            upper = self.settings.get("side") == "top"
            for text in part.get_ticklabels():
                text.set(rotation=-angle, rotation_mode="anchor")
                text.set_ha("left" if upper else "right")


def _nothing() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()


def draw(place: Any, figure: go.Figure) -> list[Any]:
    """Draw a Plotly figure into a matplotlib (sub)figure. Returns its panels, left to right."""
    whole = _decoded(figure.to_dict())
    layout, traces = whole["layout"], [t for t in whole["data"] if t.get("visible", True) is True]
    names = list(dict.fromkeys((t.get("xaxis", "x"), t.get("yaxis", "y")) for t in traces))
    names = names or [("x", "y")]
    axis = {
        name: Axis(
            layout.get(f"{name[0]}axis{name[1:]}", {}),
            [
                value
                for trace in traces
                if trace.get(f"{name[0]}axis", name[0]) == name
                for value in points(trace, name[0])
            ],
        )
        for name in dict.fromkeys(name for pair in names for name in pair)
    }
    widths = [np.ptp(axis[x].settings.get("domain", (0, 1))) for x, _ in names]
    made = list(place.subplots(1, len(names), squeeze=False, width_ratios=widths)[0])
    for index, ((x, y), axes) in enumerate(zip(names, made, strict=True)):
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set_axisbelow(True)
        axis[x].label(axes, "x")
        axis[y].label(axes, "y")
        if index and y == names[index - 1][1]:
            axes.tick_params(labelleft=False)
            axes.set_ylabel("")
    panels = dict(zip(names, made, strict=True))
    for shape in layout.get("shapes", ()):
        _shape(shape, panels)
    for trace in traces:
        x, y = trace.get("xaxis", "x"), trace.get("yaxis", "y")
        draw_trace(panels[x, y], trace, axis[x], axis[y])
    for said in layout.get("annotations", ()):
        axes, text = made[0], plotly_plain(said["text"])
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center")
    return made


def draw_key(place: Any, panels: Sequence[Any]) -> None:
    """Draw the key of panels at the bottom of another (sub)figure, one entry a name."""
    entries: dict[str, Any] = {}
    for axes in panels:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(name, handle)
    if entries:
        place.legend(
            entries.values(),
            entries.keys(),
            loc="lower left",
            bbox_to_anchor=(0, -0.05),
            ncols=4,
            frameon=False,
            handletextpad=0.4,
            columnspacing=1.4,
        )


def _decoded(value: Any) -> Any:
    """A figure's parts without Plotly's binary form of arrays."""
    if isinstance(value, dict):
        if "bdata" in value:
            numbers = np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"])
            shape = str(value.get("shape", "")).replace(" ", "")
            return numbers.reshape([int(n) for n in shape.split(",")]) if shape else numbers
        return {key: _decoded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_decoded(part) for part in value]
    return value


def _shape(shape: Mapping[str, Any], panels: Mapping[tuple[str, str], Any]) -> None:
    """Draw a rectangle, a line or a path."""
    from matplotlib import rcParams
    from matplotlib.patches import PathPatch, Rectangle

    xref, yref = shape.get("xref", "x"), shape.get("yref", "y")
    line = shape.get("line", {})
    style: dict[str, Any] = {"linewidth": 0.75 * line.get("width", 1)}
    fill: dict[str, Any] = {
        "facecolor": shape.get("fillcolor", "none"),
        "edgecolor": line.get("color", "none") if style["linewidth"] else "none",
        "alpha": shape.get("opacity", 1),
        "zorder": 0.6 if shape.get("layer") == "below" else 2.5,
    }
    for (x, y), axes in panels.items():
        if xref not in (x, "paper", f"{x} domain") or yref not in (y, "paper", f"{y} domain"):
            continue
        transform = _transform(axes, xref == x, yref == y)
        if shape["type"] == "path":
            axes.add_patch(PathPatch(_path(shape["path"]), **style, **fill))
            continue
        ends = [float(shape[end]) for end in ("x0", "x1", "y0", "y1")]
        if shape["type"] == "rect":
            x0, x1, y0, y1 = ends
            axes.add_patch(
                Rectangle((x0, y0), x1 - x0, y1 - y0, transform=transform, **style, **fill)
            )
        else:
            axes.plot(
                ends[:2],
                ends[2:],
                transform=transform,
                color=line.get("color", rcParams["text.color"]),
                linestyle=_DASHES[line.get("dash", "solid")],
                zorder=fill["zorder"],
                **style,
            )


def _transform(axes: Any, x_is_data: bool, y_is_data: bool) -> Any:
    from matplotlib.transforms import blended_transform_factory

    return blended_transform_factory(
        axes.transData if x_is_data else axes.transAxes,
        axes.transData if y_is_data else axes.transAxes,
    )


def _path(text: str) -> Any:
    """A path of SVG's commands M, L, C and Z with absolute places."""
    from matplotlib.path import Path

    kinds = {"M": Path.MOVETO, "L": Path.LINETO, "C": Path.CURVE4}
    places: list[tuple[float, float]] = []
    codes: list[Any] = []
    for command, rest in re.findall(r"([MLCZ])([^MLCZ]*)", text):
        if command == "Z":
            places.append(places[0])
            codes.append(Path.CLOSEPOLY)
            continue
        numbers = [float(part) for part in re.split(r"[ ,]+", rest.strip())]
        found = list(zip(numbers[::2], numbers[1::2], strict=True))
        places += found
        codes += [kinds[command]] * len(found)
    return Path(places, codes)
