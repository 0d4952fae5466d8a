"""How many topics a paired comparison needs, and which difference its topics can show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from statsmodels.stats.power import TTestPower

SMALLEST_TOPICS = 2
"""A paired t test needs two differences."""


@dataclass(frozen=True)
class Power:
    """Power of a two-sided paired t test over topics, planned from the differences observed.

    `detectable` and `needed` are None where the differences don't vary or there are fewer than two:
    they then say nothing about how others would vary.

    Attributes:
        topics: how many differences there are.
        deviation: standard deviation (ddof 1) of the differences; None for fewer than 2 topics.
        detectable: the smallest mean difference that these topics show with the wanted power.
        needed: how many topics would show the wanted mean difference.
    """

    topics: int
    deviation: float | None
    detectable: float | None
    needed: int | None


def paired_power(
    differences: Sequence[float] | np.ndarray,
    *,
    difference: float = 0.01,
    power: float = 0.8,
    alpha: float = 0.05,
) -> Power:
    """Plan a paired t test from the differences of topics (system minus baseline).

    Args:
        differences: one a topic.
        difference: the mean difference that the test should show, in units of the measure.
        power: the probability that it shows it.
        alpha: the significance level.

    Raises:
        ValueError: the difference isn't positive, or 0 < alpha < power < 1 doesn't hold.

    Examples:
        >>> plan = paired_power([0.1, -0.05, 0.2, 0.0], difference=0.05)
        >>> plan.topics, round(plan.deviation, 3), plan.needed
        (4, 0.111, 41)
    """
    if not difference > 0:
        raise ValueError(f"the difference to be seen must be above 0, got {difference}")
    if not (0 < alpha < 1 and alpha < power < 1):
        raise ValueError(f"power {power} and alpha {alpha} must lie in 0 < alpha < power < 1")
    sample = np.asarray(differences, float)
    if len(sample) < SMALLEST_TOPICS:
        return Power(len(sample), None, None, None)
    if np.ptp(sample) == 0:
        return Power(len(sample), 0.0, None, None)
    deviation = float(sample.std(ddof=1))
    wanted = {"power": power, "alpha": alpha, "alternative": "two-sided"}
    solve = TTestPower().solve_power
    effect = float(solve(nobs=len(sample), **wanted))
    # The solver fails for effects so large that two topics are enough.
    needed = SMALLEST_TOPICS
    if difference / deviation < float(solve(nobs=SMALLEST_TOPICS, **wanted)):
        needed = math.ceil(float(solve(effect_size=difference / deviation, **wanted)))
    return Power(len(sample), deviation, effect * deviation, needed)
