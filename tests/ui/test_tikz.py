"""A plan in TikZ: a node a token, a line a link, width by mass and colour by cost."""

import re

import numpy as np

from optical_core.figures.theme import cost_colour
from optical_core.transport import TransportPlan
from optical_core.ui.alignment.tikz import plan_tikz

PLAN = TransportPlan(
    np.array([[0.5, 0.0], [0.1, 0.4]]),
    np.array([[0.1, 1.0], [0.5, 0.9]]),
    ("bahari", "50%"),
    ("sea", "half_price"),
    (0, 1),
    (0, 1),
)


def test_tokens_are_nodes_and_links_are_lines():
    text = plan_tikz(PLAN, "A & B")
    assert text.count(r"\begin{tikzpicture}") == text.count(r"\end{tikzpicture}") == 1
    assert r"{A \& B}" in text
    assert r"{\strut 50\%}" in text
    assert r"{\strut half\_price}" in text
    links = re.findall(r"line width=([\d.]+)pt\] \((s\d)\.east\).*?\((t\d)\.west\)", text)
    assert [link[1:] for link in links] == [("s0", "t0"), ("s1", "t0"), ("s1", "t1")]
    widths = [float(width) for width, *_ in links]
    assert widths[0] > widths[2] > widths[1]
    for cost in (0.1, 0.5, 0.9):
        assert cost_colour(cost).removeprefix("#").upper() in text


def test_shares_below_the_limit_are_left_out():
    assert plan_tikz(PLAN, "x", threshold=0.3).count("line width") == 2
    assert plan_tikz(PLAN, "x", row_normalised=True).count("line width") == 3
