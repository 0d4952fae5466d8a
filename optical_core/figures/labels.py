"""Where labels of a figure's markers go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_LABEL = (0.11, 0.09)
"""Room of a language's code, as shares of a panel's width and height."""
_MARKER = (0.055, 0.065)
"""Distance of a label's middle from a marker's, as the same shares, at which it is not covered."""
_PLACES = {
    "top center": (0.0, 0.08),
    "bottom center": (0.0, -0.08),
    "middle right": (0.06, 0.0),
    "middle left": (-0.06, 0.0),
}
"""Where a label may be, and its middle's distance from the marker's."""

Point = tuple[float, float]


def label_places(points: Sequence[Point], others: Sequence[Point] = ()) -> list[str | None]:
    """Where each point's label goes so that it covers nothing; None where there is no room.

    points: (x, y) in shares of the panel. others: markers beside them, which have no labels. What
    has no label is told when the marker is pointed at.
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
    """The codes that have a place, "" for the others."""
    return [code if place else "" for code, place in zip(codes, places, strict=True)]


def _inside(middle: Point) -> bool:
    """Does a label stay off the axes and within the panel?"""
    return 0.03 <= middle[0] <= 0.97 and -0.03 <= middle[1] <= 1.03


def _apart(middle: Point, others: Sequence[Point], room: Point) -> bool:
    """Is it at least `room` away from each of the others, sideways or upwards?"""
    return all(abs(middle[0] - x) >= room[0] or abs(middle[1] - y) >= room[1] for x, y in others)
