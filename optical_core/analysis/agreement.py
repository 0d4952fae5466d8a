"""Do two judges agree? Cohen's kappa of their grades."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Agreement:
    """How far two judges agree on what both have judged.

    Attributes:
        both: number of items that both have judged.
        same: share of these with equal grades; NaN without any.
        kappa: Cohen's kappa, agreement beyond chance: 1 if they always agree, 0 for chance; NaN if
            there are no items, or both give all items one grade.
        binary: kappa of relevant (1 or more) or not.
    """

    both: int
    same: float
    kappa: float
    binary: float


def agreement(one: Mapping[Key, int], two: Mapping[Key, int]) -> Agreement:
    """Compare the grades of two judges, by item.

    Examples:
        >>> found = agreement({"a": 1, "b": 0, "c": 2, "d": 0}, {"a": 1, "b": 0, "c": 1, "e": 1})
        >>> found.both, round(found.same, 3), round(found.kappa, 3), found.binary
        (3, 0.667, 0.5, 1.0)
    """
    both = sorted(one.keys() & two.keys(), key=str)
    if not both:
        return Agreement(0, math.nan, math.nan, math.nan)
    first, second = [one[item] for item in both], [two[item] for item in both]
    same = sum(a == b for a, b in zip(first, second, strict=True)) / len(both)
    binary = _kappa([a > 0 for a in first], [b > 0 for b in second])
    return Agreement(len(both), same, _kappa(first, second), binary)


def _kappa(first: list[int] | list[bool], second: list[int] | list[bool]) -> float:
    from sklearn.metrics import cohen_kappa_score

    if len({*first, *second}) == 1:  # chance would agree as well
        return math.nan
    return float(cohen_kappa_score(first, second))
