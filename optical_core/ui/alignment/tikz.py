"""A transport plan as a TikZ picture, for a paper in LaTeX."""

from __future__ import annotations

from optical_core.analysis.export import latex_text
from optical_core.figures.theme import CHEAP, DEAR, cost_colour
from optical_core.models.tokens import MARK, visible
from optical_core.transport import TransportPlan
from optical_core.ui.alignment.figures import shown_mass

_ROW, _WIDTH = 0.55, 4.5
"""Distance of two rows and of the columns, in centimetres."""
_THICKEST = 11.0
"""Width of the line of a whole row's mass, in points."""


def plan_tikz(
    plan: TransportPlan, title: str, *, row_normalised: bool = False, threshold: float = 0.0
) -> str:
    """Draw a plan as lines between two columns of tokens: width by mass, colour by cost.

    The picture needs the package `tikz`. Other scripts than Latin need LuaLaTeX with fonts for
    them: the how-to of alignments has a preamble.

    Args:
        plan: With words or tokens.
        title: Stands above the picture.
        row_normalised: As `shown_mass` takes it.
        threshold: As `shown_mass` takes it.
    """
    shares = shown_mass(plan, row_normalised=row_normalised, threshold=threshold)
    rows = max(len(plan.source), len(plan.target), 1)
    lines = [
        r"% \usepackage{tikz}. Other scripts than Latin: LuaLaTeX with fonts for them; scripts",
        r"% from right to left: \usepackage[bidi=basic]{babel} too.",
        r"\begin{tikzpicture}[x=1cm, y=1cm]",
        r"  \node[anchor=south, align=center, text width=10cm] at "
        rf"({_WIDTH / 2:g}, {_ROW:g}) {{{latex_text(title)}}};",
    ]
    for side, tokens, anchor, x in (
        ("s", plan.source, "east", 0.0),
        ("t", plan.target, "west", _WIDTH),
    ):
        first = (rows - len(tokens)) / 2
        for place, token in enumerate(tokens):
            text = latex_text(visible(token)).replace(MARK, r"\rule{.6em}{.6pt}")
            at = f"({x:g}, {-_ROW * (first + place):.3f})"
            lines.append(rf"  \node[anchor={anchor}] ({side}{place}) at {at} {{\strut {text}}};")
    for i, j in zip(*shares.nonzero(), strict=True):
        colour = cost_colour(float(plan.cost[i, j])).removeprefix("#").upper()
        width = max(_THICKEST * min(float(shares[i, j]), 1.0), 0.3)
        lines.append(
            rf"  \definecolor{{cost}}{{HTML}}{{{colour}}}"
            rf"\draw[cost, opacity=.72, line width={width:.2f}pt] (s{i}.east)"
            rf" to[out=0, in=180] (t{j}.west); % cost {plan.cost[i, j]:.3f}"
        )
    return "\n".join([*lines, *_key(rows), r"\end{tikzpicture}"]) + "\n"


def _key(rows: int) -> list[str]:
    """What width and colour mean."""
    ends = [cost_colour(cost).removeprefix("#").upper() for cost in (CHEAP, DEAR)]
    cheap, dear = (rf"\definecolor{{cost}}{{HTML}}{{{end}}}\color{{cost}}" for end in ends)
    y = -_ROW * (rows + 0.4)
    text = (
        rf"width: mass; colour: cost, from {{{cheap}\rule{{1.2em}}{{.6ex}}}} {CHEAP:g} "
        rf"to {{{dear}\rule{{1.2em}}{{.6ex}}}} {DEAR:g}"
    )
    return [rf"  \node[font=\footnotesize] at ({_WIDTH / 2:g}, {y:.3f}) {{{text}}};"]
