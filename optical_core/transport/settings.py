"""A solver's settings: one object for the CLI, the pages, the loss and studies."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass, replace
from typing import Any

from optical_core.transport.marginals import check_marginals

MOST_ITERATIONS = 2**31 - 1
"""The most that every path can count; larger numbers mean this."""
LEAST_EPSILON = 1e-6
"""The eps of an `epsilon_share` where all costs are equal."""


@dataclass(frozen=True)
class TransportSettings:
    """A solver and its options; each solver uses those that concern it.

    Attributes:
        method: a key of `METHODS`: `exact`, `sinkhorn`, `ipot` or `unbalanced`.
        epsilon: strength of the entropy term, in units of cost (for `ipot` the step beta). An eps
            that isn't small beside the spread of the costs blurs the plan. One too small or too
            large for the dtype is raised or lowered to the nearest that it can hold.
        epsilon_share: eps as a share of the costs' standard deviation, instead of `epsilon`;
            `for_spread` converts it.
        tolerance: a plan has converged at this marginal error, as a share of the mass.
        max_iterations: per pair; a pair that reaches it is returned unconverged.
        mass_penalty: rho of `unbalanced`, in units of cost. Infinity means balanced transport:
            `sinkhorn`.
        marginals: which tokens carry mass, one of `MARGINALS`.

    Raises:
        ValueError: a setting isn't a number, is NaN, isn't above 0 or is infinite (only
            `mass_penalty` may be), or the marginals are unknown. The message names the setting.

    Examples:
        >>> TransportSettings("sinkhorn", epsilon_share=0.1).for_spread(0.25).epsilon
        0.025
    """

    method: str = "exact"
    epsilon: float = 0.05
    epsilon_share: float | None = None
    tolerance: float = 1e-4
    max_iterations: int = 1000
    mass_penalty: float = 0.5
    marginals: str = "real-tokens"

    def __post_init__(self) -> None:
        _check_positive("epsilon", self.epsilon)
        _check_positive("tolerance", self.tolerance)
        _check_positive("mass_penalty", self.mass_penalty, infinite=True)
        if self.epsilon_share is not None:
            _check_positive("epsilon_share", self.epsilon_share)
        _check_count("max_iterations", self.max_iterations)
        check_marginals(self.marginals)

    def for_spread(self, spread: float) -> TransportSettings:
        """Set eps in units of cost, for costs with this standard deviation."""
        if self.epsilon_share is None:
            return self
        epsilon = max(self.epsilon_share * spread, LEAST_EPSILON)
        return replace(self, epsilon=epsilon, epsilon_share=None)


def _check_positive(name: str, value: Any, *, infinite: bool = False) -> None:
    try:
        number = math.nan if isinstance(value, str | bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not number > 0 or (math.isinf(number) and not infinite):
        kind = "a number" if infinite else "a finite number"
        raise ValueError(f"{name} must be {kind} greater than 0, got {value}")


def _check_count(name: str, value: Any) -> None:
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value}")
