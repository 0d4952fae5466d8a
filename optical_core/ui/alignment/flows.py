"""Plans as the browser draws them: two columns of tokens, and ribbons stacked between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from optical_core.digits import single
from optical_core.escaping import plain_text
from optical_core.figures.theme import BLUE, FONT, ORANGE
from optical_core.models.tokens import visible
from optical_core.transport import TransportPlan
from optical_core.ui.alignment.figures import MOST_LINKS, shown_mass

LEAST_SPREAD = 0.02
"""The scale of costs covers at least this much, so that rounding isn't shown as a difference."""
LEAST_CHANGE = 0.02
"""Smaller changes, as shares of a token's mean mass, are not drawn."""
HINT = "Point at a word, or go to it with Tab and the arrow keys. A click, a tap or Enter pins it."


@dataclass(frozen=True)
class Flow:
    """A plan between words or tokens.

    Attributes:
        source: the left words.
        target: the right words.
        source_mass: (n,), each left word's mass: the height of its band.
        target_mass: (m,).
        mass: (n, m), what is drawn of the plan. For a change, what it gained or (below 0) lost.
        cost: (n, m).
        change: is it the difference of two plans?
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    source_mass: np.ndarray
    target_mass: np.ndarray
    mass: np.ndarray
    cost: np.ndarray
    change: bool = False


def plan_flow(
    plan: TransportPlan, unit: str, *, row_normalised: bool = False, threshold: float = 0.0
) -> Flow:
    """What is drawn of a plan.

    Args:
        plan: of tokens, all with equal mass, as `solve_pair` makes it.
        unit: `word` or `token`.
        row_normalised: is each left word's mass 1?
        threshold: as `shown_mass` takes it.
    """
    shown = plan.words() if unit == "word" else plan
    drawn = shown_mass(shown, row_normalised=row_normalised, threshold=threshold) > 0
    mass = shown.row_normalised() if row_normalised else shown.plan
    if row_normalised:
        sides = (mass.sum(1), mass.sum(0))
    else:
        sides = (
            _masses(plan.source_words, shown.source_words, unit),
            _masses(plan.target_words, shown.target_words, unit),
        )
    return Flow(
        shown.source, shown.target, *sides, mass=np.where(drawn, mass, 0.0), cost=shown.cost
    )


def change_flow(plan: TransportPlan, before: TransportPlan, unit: str) -> Flow | None:
    """What a plan gained and lost against another of the same texts.

    Returns:
        None if the plans are not between the same words or tokens.
    """
    now, then = plan_flow(plan, unit), plan_flow(before, unit)
    shown, other = (p.words() if unit == "word" else p for p in (plan, before))
    if (now.source, now.target) != (then.source, then.target):
        return None
    change = shown.plan - other.plan
    least = LEAST_CHANGE * min(now.source_mass.mean(), now.target_mass.mean())
    change = np.where(np.abs(change) >= least, change, 0.0)
    light = np.argsort(-np.abs(change), axis=None, kind="stable")[MOST_LINKS:]
    np.put(change, light, 0.0)
    return Flow(
        now.source, now.target, now.source_mass, now.target_mass, change, shown.cost, change=True
    )


def change_text(flow: Flow, cost: float) -> str:
    """What a change amounts to, as a sentence; `cost` is the difference of the costs."""
    moved = float(np.abs(flow.mass).sum()) / 2
    rise = f"{'rises' if cost > 0 else 'falls'} by {abs(cost):.3f}"
    return f"{moved:.0%} of the mass goes elsewhere, and the cost {rise}."


def cost_range(flows: Sequence[Flow]) -> tuple[float, float]:
    """The lowest and the highest cost of what is drawn: the ends of the scale of colours.

    Several pictures have one scale, so that their colours can be compared.
    """
    costs = np.concatenate([flow.cost[flow.mass > 0] for flow in flows] or [np.zeros(0)])
    if not costs.size:
        return 0.0, 1.0
    low, high = float(costs.min()), float(costs.max())
    middle, half = (low + high) / 2, max(high - low, LEAST_SPREAD) / 2
    return middle - half, middle + half


def flow_data(
    flow: Flow,
    costs: tuple[float, float],
    label: str,
    *,
    languages: tuple[str, str] = ("", ""),
    pinned: tuple[str, int] | None = None,
    pins: bool = False,
) -> dict[str, Any]:
    """A flow as JSON for `picture.js`.

    Args:
        flow: what is drawn.
        costs: the ends of the scale of colours.
        label: what the picture shows, for those who don't see it.
        languages: codes of the left and the right text.
        pinned: the token whose links stay.
        pins: does the page want to know what is pinned?
    """
    rows, columns = np.nonzero(flow.mass)
    links = [
        [int(i), int(j), single(flow.mass[i, j]), single(flow.cost[i, j])]
        for i, j in zip(rows, columns, strict=True)
    ]
    return {
        **side_data(flow, languages),
        "label": plain_text(label),
        "low": single(costs[0]),
        "high": single(costs[1]),
        "colours": [BLUE, ORANGE],
        "font": FONT,
        "links": links,
        "change": flow.change,
        "hint": HINT,
        "pinned": list(pinned) if pinned else None,
        "pins": pins,
    }


def side_data(flow: Flow, languages: tuple[str, str]) -> Mapping[str, Any]:
    """Both columns of words as JSON."""
    sides = (
        ("left", flow.source, flow.source_mass, languages[0]),
        ("right", flow.target, flow.target_mass, languages[1]),
    )
    return {
        name: {
            "words": [plain_text(visible(word)) for word in words],
            "masses": [single(mass) for mass in masses],
            "language": language,
        }
        for name, words, masses, language in sides
    }


def plan_text(plan: TransportPlan) -> str:
    """A plan in words: the best counterpart of each word on the left, and its share.

    Examples:
        >>> plan = np.array([[0.5, 0.0], [0.1, 0.4]])
        >>> words = ("maji", "bahari"), ("water", "sea"), (0, 1), (0, 1)
        >>> plan_text(TransportPlan(plan, np.ones((2, 2)), *words))
        'maji: water 100 %; bahari: sea 80 %'
    """
    if not plan.target:
        return ""
    shares = plan.row_normalised()
    best = shares.argmax(1)
    return "; ".join(
        f"{visible(word)}: {visible(plan.target[column])} {100 * shares[row, column]:.0f} %"
        for row, (word, column) in enumerate(zip(plan.source, best, strict=True))
        if shares[row, column] > 0
    )


def _masses(tokens: tuple[int, ...], words: tuple[int, ...], unit: str) -> np.ndarray:
    """Mass of each token, or of each word: that of its tokens."""
    share = 1 / max(len(tokens), 1)
    if unit == "token":
        return np.full(len(tokens), share)
    return np.array([tokens.count(number) * share for number in words])
