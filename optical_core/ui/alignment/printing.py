"""The alignment page's plans as pictures of one file."""

from __future__ import annotations

from collections.abc import Mapping

from optical_core.data.languages import language
from optical_core.figures.printed import Printed
from optical_core.transport import TransportPlan
from optical_core.ui.alignment.figures import plan_heatmap, plan_ribbons
from optical_core.ui.alignment.view import AlignmentView

_KEYS = {
    "ribbons": "Thickness: mass; blue is cheap, orange expensive.",
    "heatmap": "Area of a disc: mass; background: cost.",
}


def plan_title(model: str, view: AlignmentView, foreign: str = "", code: str = "") -> str:
    """What a picture of a plan shows; `foreign` and its language are the view's if left out."""
    name = language(code or view.language).name
    return f"{model}: “{foreign or view.foreign}” – “{view.english}” ({name})"


def plans_heading(view: AlignmentView) -> str:
    """What a file of all models' plans shows."""
    name = language(view.language).name
    return f"“{view.foreign}” – “{view.english}” ({name}). {_KEYS[_kind(view)]}"


def _kind(view: AlignmentView) -> str:
    """The form of pictures in files: chips are HTML, so they are ribbons there."""
    return "heatmap" if view.kind == "heatmap" else "ribbons"


def printed_plans(plans: Mapping[str, TransportPlan], view: AlignmentView) -> list[Printed]:
    """Draw plans side by side, up to three in a row.

    Args:
        plans: Model or language -> plan of its tokens.
    """
    draw = plan_heatmap if _kind(view) == "heatmap" else plan_ribbons
    return [
        Printed(
            draw(
                plan.words() if view.unit == "word" else plan,
                dark=False,
                row_normalised=view.normalise,
                threshold=view.threshold,
            ),
            f"{name}: cost {plan.total_cost:.3f}",
            1 / min(len(plans), 3),
        )
        for name, plan in plans.items()
    ]
