"""What the alignment page shows: its state, its lines of text, its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from optical_core.analysis.alignment_error import alignment_error_rate
from optical_core.data.gold import GoldPair
from optical_core.data.words import has_unspaced, knows_words
from optical_core.digits import single
from optical_core.study.word_vectors import linked_words
from optical_core.transport import METHODS, TransportPlan, TransportSettings

PICTURES = {
    "ribbons": "A bar beside a token is its mass. A ribbon is mass that the plan moves: the "
    "thicker, the more. Blue is cheap, orange is expensive, as the key says. Point at a token to "
    "see its links alone.",
    "heatmap": "A row is a token on the left, a column is a token on the right. The background is "
    "the cost of each pair: the stronger, the cheaper. A disc is mass that the plan moves: the "
    "larger, the more. Click a disc to pin its row.",
    "change": "The first encoder's plan is drawn as it is. The others' pictures show what changed "
    "against it: a blue ribbon is mass that a pair gained, a dashed orange one is mass that it "
    "lost. Half of a bar is for gains, half for losses.",
    "chips": "Each chip is a token on the left. Under it are the tokens that get most of its mass, "
    "each with its share and its cost. The colour is the mean cost: blue is cheap, orange is "
    "expensive.",
}
"""Picture -> what it shows."""
UNITS = ("word", "token")
SOLVERS = ("exact", *(method for method in METHODS if method != "exact"))
EPSILONS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
THRESHOLDS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Shares below which links can be hidden."""
EPSILON = 0.05
"""Chosen at first."""
LONGEST = 2000
"""Most characters of a text: about 400 words, more than an encoder reads."""
MOST_MODELS = 3
VIEWS = {"one": "One language", "many": "The same query in many languages"}
"""View of the page -> what it is called."""
PROCESS = (
    "The exact plan stands beside those of solvers that come nearer with each iteration, and that "
    "blur it: the larger epsilon, the more. Sinkhorn begins with a larger epsilon and halves it. "
    "The unbalanced solver may leave mass behind at a price: the pale part of a bar. Its marginal "
    "error is part of its answer."
)
"""What the animation shows."""
LONE = (
    "▁ is a token without letters: the start of a word, or the rest of a letter that takes several "
    "tokens."
)


@dataclass(frozen=True)
class AlignmentView:
    """Everything that defines what the page shows. All of it is in the address.

    Attributes:
        left_typed: Is the left text typed, and not the demo's query?
        right_typed: Is the right one?
        others: Further left texts that were typed, (code, text), for the view of many languages.
    """

    foreign: str
    english: str
    need: str
    models: tuple[str, ...]
    unit: str
    kind: str
    transport: TransportSettings
    normalise: bool
    threshold: float
    gold: GoldPair | None = None
    language: str = ""
    against: str = "en"
    left_typed: bool = False
    right_typed: bool = False
    others: tuple[tuple[str, str], ...] = ()

    def clicked(self, points: Sequence[Mapping[str, Any]] | None) -> str | None:
        """The clicked row of a heatmap, in the form that `pin_from` reads."""
        if not points:
            return None
        data = points[-1].get("customdata")
        if isinstance(data, Mapping):
            data = [data[key] for key in sorted(data, key=int)]
        return f"left.{data[0]}" if data else None


def pin_from(text: str | None) -> tuple[str, int] | None:
    """Parse `left.3` to ("left", 3). Anything else gives None.

    >>> pin_from("right.2"), pin_from("up.1"), pin_from(None)
    (('right', 2), None, None)
    """
    side, _, number = (text or "").partition(".")
    return (side, int(number)) if side in ("left", "right") and number.isdigit() else None


def report_lines(plan: TransportPlan) -> list[str]:
    """Cost, entropy and the solver's report, as lines of text."""
    report = plan.report
    lines = [
        f"Cost ⟨P, C⟩ {plan.total_cost:.4f} · entropy {plan.entropy:.2f} nats · "
        f"marginal error {report['marginal_error']:.1e}"
    ]
    if report["method"] != "exact":
        state = "converged" if report["converged"] else "stopped before it converged"
        lines.append(
            f"{report['method']}, epsilon {report['epsilon']:g}: {state} after "
            f"{report['iterations']} iterations"
        )
    if "mass" in report:
        mass = report["mass"]
        lines.append(
            f"Mass: {mass['real_real']:.0%} between real tokens, {mass['mask_real']:.0%} between "
            f"[MASK] and real tokens, {mass['mask_mask']:.0%} between [MASK]s"
        )
    return lines


def unknown_words(view: AlignmentView) -> str:
    """A sentence for a view of words whose text has none that can be known; else empty."""
    if view.unit != "word" or view.gold or knows_words():
        return ""
    if not has_unspaced(view.foreign + view.english):
        return ""
    return (
        "Each token stands for a word here: to know the words of Thai, Khmer, Lao, Burmese, "
        'Chinese and Japanese, pip install "optical-workbench[words]".'
    )


def gold_line(plan: TransportPlan, gold: GoldPair) -> str:
    """Alignment error rate of a plan of words against gold links, as a line of text."""
    links = linked_words(plan.words())
    error = alignment_error_rate(links, gold.sure, gold.possible)
    return f"AER {error:.3f} against {len(gold.sure)} sure of {len(gold.possible)} gold links"


def plan_table(plan: TransportPlan) -> pd.DataFrame:
    """One row per pair of tokens with mass: indices, tokens, mass, cost, contribution."""
    rows = [
        {
            "i": i,
            "j": j,
            "source": plan.source[i],
            "target": plan.target[j],
            "mass": single(plan.plan[i, j]),
            "cost": single(plan.cost[i, j]),
            "contribution": single(plan.plan[i, j] * plan.cost[i, j]),
        }
        for i in range(len(plan.source))
        for j in range(len(plan.target))
        if plan.plan[i, j] > 1e-9
    ]
    return pd.DataFrame(
        rows, columns=["i", "j", "source", "target", "mass", "cost", "contribution"]
    )
