"""The rows of the gap picture, and the values in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from optical_core.analysis.export import number_text
from optical_core.analysis.measurements import Comparison
from optical_core.analysis.significance import CORRECTIONS
from optical_core.analysis.tables import GROUPS
from optical_core.data.languages import language
from optical_core.escaping import plotly_text

_BAND = 0.35
"""Room between bands, in rows."""
_SHARE = 0.76
"""Share of a row's height that its arrows are spread over."""


@dataclass(frozen=True)
class Row:
    """A language, or the mean of a group.

    Attributes:
        key: The language's code, or the group's name.
        label: Its name.
        place: Its middle from the top, in rows.
        mean: Is it the mean of a group?
    """

    key: str
    label: str
    place: float
    mean: bool


@dataclass(frozen=True)
class Values:
    """What the picture draws, by (model, row's key).

    Attributes:
        rows: From top to bottom.
        models: The models besides the baseline.
        baseline: Where the arrows begin.
        level: The measure's mean.
        interval: Both ends of its 95 % interval.
        change: Difference from the baseline: mean, both ends of its interval, corrected p.
    """

    rows: tuple[Row, ...]
    models: tuple[str, ...]
    baseline: str
    level: Mapping[tuple[str, str], float]
    interval: Mapping[tuple[str, str], tuple[float, float]]
    change: Mapping[tuple[str, str], tuple[float, float, float, float]]

    def lane(self, row: Row, model: str) -> float:
        """Where a model's arrow is, within its row."""
        if model not in self.models:
            return row.place
        index, count = self.models.index(model), len(self.models)
        return row.place + (index - (count - 1) / 2) * _SHARE / count

    @property
    def apart(self) -> float:
        """How far an interval is from its arrow."""
        return 0.3 * _SHARE / max(len(self.models), 1)

    def facts(self, row: Row) -> list[str]:
        """A row's values in words, model by model."""
        lines = []
        for model in (self.baseline, *self.models):
            if (model, row.key) in self.level:
                line = f"{model}: {self.level[model, row.key]:.4f}"
                if found := self.change.get((model, row.key)):
                    p = number_text("p", found[3])
                    line += f" ({found[0]:+.4f}, p {p if p.startswith('<') else '= ' + p})"
                lines.append(line)
        return lines

    def told(self, row: Row) -> str:
        """A row's text under the pointer."""
        facts = map(plotly_text, self.facts(row))
        return "<br>".join([f"<b>{row.label}</b>", *facts, "click to see its queries"])


def gap_values(
    measures: pd.DataFrame, comparisons: pd.DataFrame, groups: pd.DataFrame, comparison: Comparison
) -> Values:
    """Look up what `gap_picture` draws in its tables."""
    measure, baseline = comparison.measure, comparison.baseline
    level, interval = {}, {}
    for row in measures.to_dict("records"):
        key = (row["model"], row["language"])
        level[key] = row[measure]
        interval[key] = (row[f"{measure}_low"], row[f"{measure}_high"])
    change: dict[tuple[str, str], tuple[float, float, float, float]] = {}
    for table, key_column in ((comparisons, "language"), (groups, "group")):
        for row in table.to_dict("records"):
            corrected = next(row[f"p_{name}"] for name in CORRECTIONS if f"p_{name}" in row)
            numbers = (row["difference"], row["low"], row["high"], corrected)
            change[row["model"], row[key_column]] = numbers
    for row in groups.to_dict("records"):
        codes = row["languages"].split(", ")
        for model in (baseline, row["model"]):
            level[model, row["group"]] = sum(level[model, c] for c in codes) / len(codes)
    present = set(measures["model"])
    models = tuple(m for m in comparison.models if m in present and m != baseline)
    return Values(_rows(measures, groups, comparison), models, baseline, level, interval, change)


def _rows(measures: pd.DataFrame, groups: pd.DataFrame, comparison: Comparison) -> tuple[Row, ...]:
    """The rows from top to bottom: each band's mean, then its languages, the best-served first."""
    table = measures[measures["model"] == comparison.baseline]
    table = table if not table.empty else measures
    best = table.groupby("language")[comparison.measure].mean()
    codes = sorted(dict.fromkeys(measures["language"]), key=lambda c: -best.get(c, 0.0))
    highs, lows = comparison.sides(codes)
    bands = (
        (GROUPS[0], highs),
        (GROUPS[1], lows),
        ("", [code for code in codes if code not in {*highs, *lows}]),
    )
    rows: list[Row] = []
    place = 0.0
    for group, members in bands:
        if not members:
            continue
        if rows:
            place += _BAND
        if not groups.empty and group in set(groups["group"]) and len(members) > 1:
            rows.append(Row(group, f"{group.split('-')[0].title()} (mean)", place, True))
            place += 1
        for code in members:
            rows.append(Row(code, language(code).name, place, False))
            place += 1
    return tuple(rows)


def gap_ranges(values: Values) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ranges of both panels, with room for stars at the right of the second."""
    shown = {row.key for row in values.rows}
    levels = [v for (_, key), v in values.level.items() if key in shown]
    levels += [end for ends in values.interval.values() for end in ends]
    changes = [0.0, *(end for change in values.change.values() for end in change[1:3])]
    room, wide = (max(max(ends) - min(ends), 0.02) for ends in (levels, changes))
    return (
        (min(levels) - 0.04 * room, max(levels) + 0.04 * room),
        (min(changes) - 0.06 * wide, max(changes) + 0.2 * wide),
    )
