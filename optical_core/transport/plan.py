"""One solved pair with its tokens, as pages draw it and files store it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from optical_core.digits import plain, single


@dataclass(frozen=True)
class TransportPlan:
    """Plan P and cost C between the tokens of a source and a target text.

    Attributes:
        plan: (n, m) array; its mass sums to the transported total.
        cost: (n, m) array.
        source: the n token strings.
        target: the m token strings.
        source_words: for each source token the index of its word, or -1 (special, [MASK]).
        target_words: the same for each target token.
        report: the solver's: method, epsilon, iterations, marginal_error, converged.

    Raises:
        ValueError: the shapes, or the numbers of words, don't fit the tokens.

    Examples:
        >>> plan = np.array([[0.5, 0.0], [0.0, 0.5]])
        >>> cost = np.array([[0.2, 1.0], [1.0, 0.4]])
        >>> pair = TransportPlan(plan, cost, ("nyumba", "kubwa"), ("big", "house"), (0, 1), (0, 1))
        >>> round(pair.total_cost, 2)
        0.3
    """

    plan: np.ndarray
    cost: np.ndarray
    source: tuple[str, ...]
    target: tuple[str, ...]
    source_words: tuple[int, ...]
    target_words: tuple[int, ...]
    report: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = (len(self.source), len(self.target))
        if self.plan.shape != shape or self.cost.shape != shape:
            raise ValueError(
                f"plan and cost must have shape {shape} as the tokens have, "
                f"got {self.plan.shape} and {self.cost.shape}"
            )
        if len(self.source_words) != shape[0] or len(self.target_words) != shape[1]:
            raise ValueError("source_words and target_words must have one entry a token")

    @property
    def total_cost(self) -> float:
        """The transport cost ⟨P, C⟩."""
        return float((self.plan * self.cost).sum())

    @property
    def entropy(self) -> float:
        """The plan's entropy -sum P log P, in nats; 0 log 0 = 0."""
        positive = self.plan[self.plan > 0]
        return max(0.0, float(-(positive * np.log(positive)).sum()))

    def row_normalised(self) -> np.ndarray:
        """Scale each source token's mass to one: shape (n, m); empty rows stay zero."""
        mass = self.plan.sum(1, keepdims=True)
        return np.divide(self.plan, mass, out=np.zeros_like(self.plan), where=mass > 0)

    def words(self) -> TransportPlan:
        """Sum the plan over the tokens of each word.

        A cost is the mean weighted by mass, or the plain mean where there is no mass. Tokens
        outside any word are left out. Words keep their numbers: a word without tokens leaves a gap
        in `source_words` or `target_words`, but none in the plan.
        """
        rows, columns = _membership(self.source_words), _membership(self.target_words)
        mass = rows @ self.plan @ columns.T
        spent = rows @ (self.plan * self.cost) @ columns.T
        plain = (rows @ self.cost @ columns.T) / (rows.sum(1)[:, None] * columns.sum(1)[None, :])
        cost = np.divide(spent, mass, out=plain, where=mass > 0)
        source = _join(self.source, self.source_words)
        target = _join(self.target, self.target_words)
        numbers = _numbers(self.source_words), _numbers(self.target_words)
        return TransportPlan(mass, cost, source, target, *numbers, dict(self.report))

    def to_dict(self) -> dict[str, Any]:
        """Convert everything to plain lists, for JSON; numbers have the digits of fp32."""
        return {
            "source": list(self.source),
            "target": list(self.target),
            "source_words": list(self.source_words),
            "target_words": list(self.target_words),
            "plan": [[single(mass) for mass in row] for row in self.plan],
            "cost": [[single(cost) for cost in row] for row in self.cost],
            "total_cost": single(self.total_cost),
            "entropy": single(self.entropy),
            "report": plain(self.report),
        }


def _numbers(words: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted({word for word in words if word >= 0}))


def _membership(words: tuple[int, ...]) -> np.ndarray:
    """Matrix (words, tokens) with a one where the token belongs to the word."""
    numbers = _numbers(words)
    return np.array([[float(word == number) for word in words] for number in numbers]).reshape(
        len(numbers), len(words)
    )


def _join(tokens: tuple[str, ...], words: tuple[int, ...]) -> tuple[str, ...]:
    numbers = sorted({word for word in words if word >= 0})
    return tuple(
        "".join(token for token, word in zip(tokens, words, strict=True) if word == number)
        for number in numbers
    )
