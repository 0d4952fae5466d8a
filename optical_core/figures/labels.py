"""Places for the labels of a figure's markers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_LABEL = (0.11, 0.09)
"""Size of a language code's label, as shares of a panel's width and height."""
_MARKER = (0.055, 0.065)
"""Least distance between the middles of a label and a marker, as the same shares."""
_PLACES = {
    "top center": (0.0, 0.08),
    "bottom center": (0.0, -0.08),
    "middle right": (0.06, 0.0),
    "middle left": (-0.06, 0.0),
}
"""Place of a label -> distance of its middle from the marker's."""

Point = tuple[float, float]


def label_places(points: Sequence[Point], others: Sequence[Point] = ()) -> list[str | None]:
    """Find a place for each point's label where it covers nothing.

    Args:
        points: (x, y) as shares of the panel.
        others: Other markers, which have no labels.

    Returns:
        A place per point; None if there is no room. The hover text then names the point.
    """
    taken: list[Point] = []
    places: list[str | None] = []
    for x, y in points:
        markers = [point for point in (*points, *others) if point != (x, y)]
        for place, (right, up) in _PLACES.items():
            middle = (x + right, y + up)
            if (
                _inside(middle)
                and _apart(middle, taken, _LABEL)
                and _apart(middle, markers, _MARKER)
            ):
                taken.append(middle)
                places.append(place)
                break
        else:
            places.append(None)
    return places


def marker_labels(codes: Iterable[str], places: Sequence[str | None]) -> list[str]:
    """The code of each marker that has a place for it, "" for the others."""
    return [code if place else "" for code, place in zip(codes, places, strict=True)]


def _inside(middle: Point) -> bool:
    """Is a label within the panel and off the axes?"""
    return 0.03 <= middle[0] <= 0.97 and -0.03 <= middle[1] <= 1.03


def _apart(middle: Point, others: Sequence[Point], room: Point) -> bool:
    """Is it at least `room` away from each of the others, horizontally or vertically?"""
    return all(abs(middle[0] - x) >= room[0] or abs(middle[1] - y) >= room[1] for x, y in others)
