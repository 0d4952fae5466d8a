"""Numbers as files and answers show them: with the digits that were computed, and no more."""

from __future__ import annotations

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
