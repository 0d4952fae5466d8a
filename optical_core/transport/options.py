"""What a solver may be told: checked once, for every solver and every caller."""

from __future__ import annotations

import math
import numbers
from typing import Any

MOST_ITERATIONS = 2**31 - 1
"""What every path counts up to; more is the same as this."""


def checked(
    method: str, epsilon: Any, tolerance: Any, max_iterations: Any, **options: Any
) -> tuple[str, dict[str, Any]]:
    """The solver to use and its options.

    `unbalanced` with a `mass_penalty` of infinity is `sinkhorn`: no mass may be left behind.

    Raises ValueError that names the option: no number, NaN, not above 0, infinite (but for
    `mass_penalty`), or one that the solver doesn't have.
    """
    unknown = [name for name in options if (method, name) != ("unbalanced", "mass_penalty")]
    if unknown:
        raise ValueError(f"{unknown[0]} is no option of method={method!r}")
    found = {
        "epsilon": _positive("epsilon", epsilon),
        "tolerance": _positive("tolerance", tolerance),
        "max_iterations": _count(max_iterations),
    }
    if "mass_penalty" in options:
        penalty = _positive("mass_penalty", options["mass_penalty"], infinite=True)
        if math.isinf(penalty):
            method = "sinkhorn"
        else:
            found["mass_penalty"] = penalty
    return method, found


def _positive(name: str, value: Any, *, infinite: bool = False) -> float:
    try:
        number = math.nan if isinstance(value, str | bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not number > 0 or (math.isinf(number) and not infinite):
        kind = "a number" if infinite else "a finite number"
        raise ValueError(f"{name} must be {kind} greater than 0, got {value}")
    return number


def _count(value: Any) -> int:
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or value < 1:
        raise ValueError(f"max_iterations must be a whole number of at least 1, got {value}")
    return min(int(value), MOST_ITERATIONS)
