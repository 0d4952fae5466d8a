"""The table of a comparison as papers print it: a row a language, a column a model."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from optical_core.analysis.export import latex_text, tabular
from optical_core.analysis.significance import CORRECTIONS, stars
from optical_core.analysis.tables import GROUPS, Tables
from optical_core.data.languages import language

DIGITS = 3


def paper_table(tables: Tables) -> str:
    r"""Lay a comparison out for LaTeX's booktabs: the best of a row in bold, stars, group means.

    Stars mark differences from the baseline: * p < .05, ** p < .01, *** p < .001, by the paired
    randomisation test after correction. The languages stand in groups of high and low resource,
    each with its mean. A comment above the table says what it shows.

    Examples:
        >>> from optical_core.analysis import Comparison, Measurements
        >>> values = {("bm25", "so"): {"AP": {"q1": 0.5, "q2": 0.25}}}
        >>> measurements = Measurements(Measurements.rows(values), collection="demo")
        >>> print(paper_table(Tables(measurements, Comparison.of(measurements))), end="")
        % AP on demo; stars: paired randomisation test against bm25, corrected (Holm).
        \begin{tabular}{lr}
        \toprule
         & bm25 \\
        \midrule
        Somali & \textbf{0.375} \\
        \bottomrule
        \end{tabular}
    """
    comparison, measures = tables.comparison, tables.measures
    levels = measures.pivot(index="language", columns="model", values=comparison.measure)
    marks, correction = _marks(tables.comparisons, "language")
    group_marks, _ = _marks(tables.groups, "group")
    models = [model for model in comparison.models if model in levels]
    highs, lows = comparison.sides(levels.index)
    others = [code for code in levels.index if code not in {*highs, *lows}]
    blocks = []
    for group, codes in zip((*GROUPS, ""), (highs, lows, others), strict=True):
        rows = [
            _row(language(code).name, [levels.loc[code, m] for m in models], models, marks, code)
            for code in codes
        ]
        if group and len(codes) > 1:
            means = [levels.loc[codes, model].mean() for model in models]
            rows.append(_row(f"{group} mean", means, models, group_marks, group))
        if rows:
            blocks.append(rows)
    said = (
        f"% {comparison.measure} on {tables.measurements.collection}; stars: paired randomisation "
        f"test against {comparison.baseline}, corrected ({correction}).\n"
    )
    head = ["", *(latex_text(model) for model in models)]
    return " ".join(said.split()) + "\n" + tabular("l" + "r" * len(models), [head], *blocks)


def _marks(table: pd.DataFrame, key: str) -> tuple[dict[tuple[str, str], str], str]:
    """(model, language or group) -> its stars, and the name of the correction."""
    name = next((name for name in CORRECTIONS if f"p_{name}" in table), "holm")
    rows = table.to_dict("records")
    return {(row["model"], row[key]): stars(row[f"p_{name}"]) for row in rows}, CORRECTIONS[name]


def _row(
    label: str,
    values: Sequence[float],
    models: Sequence[str],
    marks: dict[tuple[str, str], str],
    key: str,
) -> list[str]:
    best = max((round(value, DIGITS) for value in values if value == value), default=None)
    cells = [latex_text(label)]
    for model, value in zip(models, values, strict=True):
        if value != value:
            cells.append("--")
            continue
        text = f"{value:.{DIGITS}f}"
        text = rf"\textbf{{{text}}}" if round(value, DIGITS) == best else text
        mark = marks.get((model, key), "")
        cells.append(f"{text}$^{{{mark}}}$" if mark else text)
    return cells
