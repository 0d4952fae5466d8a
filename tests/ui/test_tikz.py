"""A plan in TikZ: a node a token, a line a link, width by mass and colour by cost."""

import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from optical_core.analysis.export import latex
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


DOCUMENT = r"""\documentclass{article}
\usepackage{tikz,booktabs}
\begin{document}
%s

%s
\end{document}
"""


def _has_latex() -> bool:
    """Is there a TeX with all that the document needs?"""
    if not (shutil.which("pdflatex") and shutil.which("kpsewhich")):
        return False
    asked = subprocess.run(["kpsewhich", "tikz.sty", "booktabs.sty"], capture_output=True)
    return asked.returncode == 0


@pytest.mark.skipif(not _has_latex(), reason="apt install texlive-latex-base texlive-pictures")
def test_a_picture_and_a_table_are_taken_by_latex(tmp_path):
    plan = TransportPlan(PLAN.plan, PLAN.cost, ("bahari", ""), ("50%_{}", "~^#"), (0, 1), (0, 1))
    table = pd.DataFrame({"p_t": [0.00001], "a_b": [-0.25], "c": [r"\&%$#_{}~^<>"], "d": [None]})
    text = DOCUMENT % (plan_tikz(plan, r"“A” & \B{ $"), latex(table))
    (tmp_path / "paper.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert ended.returncode == 0, ended.stdout[-2000:]
    assert "Missing character" not in (tmp_path / "paper.log").read_text(errors="replace")
