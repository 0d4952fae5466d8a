"""Learning curves of a study: MAP against a number in the training's settings."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optical_core.analysis.resampling import bootstrap_intervals
from optical_core.analysis.tables import GROUPS
from optical_core.study.config import Curve, StudyConfig
from optical_core.study.summary import Findings


def curve_table(config: StudyConfig, curve: Curve, findings: Findings) -> pd.DataFrame:
    """Tabulate the measured points of a curve.

    Args:
        config: of the study.
        curve: one of the study's.
        findings: of one collection.

    Returns:
        A row a language, and one for the mean of each group of several: `language`, MAP at each
        number (columns named by the numbers, ascending), and what doubling the number adds (`per
        doubling`, with `low` and `high`, its 95 % interval over topics): the slope of the
        least-squares line over the number's logarithm. Empty before two points are measured.

    Examples:
        >>> config = StudyConfig(
        ...     name="mine",
        ...     collections=("demo",),
        ...     training={"bitext": ("demo",)},
        ...     arms={"few": {"pairs": 50}, "more": {"pairs": 200}},
        ...     curves=({"setting": "pairs", "arms": ("few", "more")},),
        ...     reference="more",
        ... )
        >>> config.numbers(config.curves[0])
        {'few': 50, 'more': 200}
        >>> curve_table(config, config.curves[0], findings)  # doctest: +SKIP
    """
    numbers = config.numbers(curve)
    arms = [arm for arm in sorted(numbers, key=numbers.__getitem__) if arm in findings.seeds]
    if len(arms) < 2:
        return pd.DataFrame()
    comparison, columns = findings.comparison, findings.measurements.columns
    values = {
        code: pd.DataFrame({arm: columns[arm, code, comparison.measure] for arm in arms})
        for code in comparison.languages
    }
    rows = {code: [code] for code in values}
    groups = zip(GROUPS, comparison.sides(values), strict=True)
    rows |= {name: codes for name, codes in groups if len(codes) > 1}
    slopes = _slope_weights([numbers[arm] for arm in arms])
    contrasts = [
        [(1 / len(codes), (values[code] @ slopes).to_numpy()) for code in codes]
        for codes in rows.values()
    ]
    table = pd.DataFrame({"language": list(rows)})
    for arm in arms:
        means = [np.mean([values[code][arm].mean() for code in codes]) for codes in rows.values()]
        table[f"{numbers[arm]:g}"] = means
    table["per doubling"] = [sum(w * each.mean() for w, each in parts) for parts in contrasts]
    table[["low", "high"]] = bootstrap_intervals(contrasts)
    return table


def _slope_weights(numbers: list[float]) -> np.ndarray:
    """Weights that make the least-squares slope over log2 of the numbers from values at them."""
    doublings = np.log2(numbers)
    centred = doublings - doublings.mean()
    return np.asarray(centred / (centred @ centred))
