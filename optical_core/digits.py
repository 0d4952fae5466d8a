"""Numbers as files and answers show them: with the digits that were computed, and no more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def single(value: float) -> float:
    """The number with the fewest digits, nine at most, that has the same fp32 value.

    Examples:
        >>> single(0.02500000037252903)
        0.025
    """
    return float(str(np.float32(value)))


def plain(value: Any) -> Any:
    """Data for JSON: fp32 numbers are shortened by `single`, other numbers stay in full.

    Written in full, fp32 numbers show digits that nobody computed. A number that fp32 holds
    exactly counts as an fp32 number.

    Examples:
        >>> plain({"mass": [0.02500000037252903, 1 / 3]})
        {'mass': [0.025, 0.3333333333333333]}
    """
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if not isinstance(value, float):
        return value
    with np.errstate(over="ignore"):
        same = float(np.float32(value)) == value
    return single(value) if same else value


def adding_up(values: Sequence[float], places: int, *, total: float | None = None) -> list[float]:
    """Round numbers so that they add up to their rounded sum, by largest remainders.

    Args:
        values: to round.
        places: decimals.
        total: what they add up to, where that is known better than by their sum.

    Examples:
        >>> adding_up([1.4, 1.4, 1.2], 0)
        [2.0, 1.0, 1.0]
    """
    units = [value * 10**places for value in values]
    whole = [math.floor(unit) for unit in units]
    wanted = round(round(sum(values) if total is None else total, places) * 10**places)
    nearest = sorted(range(len(units)), key=lambda at: whole[at] - units[at])
    each, rest = divmod(wanted - sum(whole), len(units)) if units else (0, 0)
    for number, at in enumerate(nearest):
        whole[at] += each + (number < rest)
    return [round(unit / 10**places, places) for unit in whole]
