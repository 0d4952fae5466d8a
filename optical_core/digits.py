"""Numbers as files and answers give them: the digits that they have, and no others."""

from __future__ import annotations

from typing import Any

import numpy as np


def single(value: float) -> float:
    """The number of fewest digits, nine at most, that reads back to the same fp32.

    >>> single(0.02500000037252903)
    0.025
    """
    return float(str(np.float32(value)))


def plain(value: Any) -> Any:
    """Data as JSON takes it: what was computed in fp32 by `single`, other numbers in full.

    In full, fp32's numbers show digits that nobody computed. A number is taken for one of fp32
    if it is the same in fp32.

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
