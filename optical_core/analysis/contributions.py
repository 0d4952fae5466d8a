"""What each language adds to a gap, and to its change: the parts sum up to both."""

from __future__ import annotations

import pandas as pd

from optical_core.analysis.measurements import Comparison, Measurements, mean

COLUMNS = ("model", "baseline", "language", "group", "before", "after", "shortfall", "change")


def contribution_table(measurements: Measurements, comparison: Comparison) -> pd.DataFrame:
    """Split the gap of the baseline, and what each other model changes in it, by language.

    With H high- and L low-resource languages that both models have, gap = mean of the high ones -
    mean of the low ones. So a low-resource language adds (mean of the high ones - its own) / L to
    the baseline's gap. A gain of d there changes the gap by -d / L, a gain of d in a high-resource
    language by +d / H.

    Args:
        measurements: of one collection. Unless it is parallel, `shortfall` is missing: levels of
            different queries can't be subtracted.
        comparison: which models, which measure, the baseline, and the two groups of languages.

    Returns:
        A row a model and language of a group, with the columns `COLUMNS`: `shortfall` sums up to
        the baseline's gap, and `change` to the model's gap minus the baseline's. Empty if a group
        has no language.

    Examples:
        >>> values = {
        ...     ("bm25", "de"): {"AP": {"q1": 0.5, "q2": 0.7}},
        ...     ("bm25", "so"): {"AP": {"q1": 0.2, "q2": 0.4}},
        ...     ("student", "de"): {"AP": {"q1": 0.5, "q2": 0.7}},
        ...     ("student", "so"): {"AP": {"q1": 0.3, "q2": 0.5}},
        ... }
        >>> measurements = Measurements(Measurements.rows(values), parallel=True)
        >>> table = contribution_table(measurements, Comparison.of(measurements, baseline="bm25"))
        >>> [round(float(table[name].sum()), 2) for name in ("shortfall", "change")]
        [0.3, -0.1]
    """
    samples = measurements.samples(comparison)
    baseline = samples.pop(comparison.baseline, {})
    rows = []
    for model, languages in samples.items():
        both = [code for code in languages if code in baseline]
        before = {code: mean(baseline[code]) for code in both}
        after = {code: mean(languages[code]) for code in both}
        highs, lows = comparison.sides(both)
        if not highs or not lows:
            continue
        level = sum(before[code] for code in highs) / len(highs)
        for group, codes, sign in (("high-resource", highs, 1), ("low-resource", lows, -1)):
            for code in codes:
                missing = (level - before[code]) / len(lows) if group == "low-resource" else 0.0
                change = sign * (after[code] - before[code]) / len(codes)
                shortfall = missing if measurements.parallel else None
                values = (before[code], after[code], shortfall, change)
                rows.append((model, comparison.baseline, code, group, *values))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"shortfall": float})
