"""Measures, language gaps and significance. No models, no network."""

from typing import TYPE_CHECKING

from optical_core.lazy import lazy_names

if TYPE_CHECKING:
    from optical_core.analysis.alignment_error import LinkCounts, alignment_error_rate
    from optical_core.analysis.contributions import contribution_table
    from optical_core.analysis.export import table_texts, write_table
    from optical_core.analysis.fairness import (
        equal_rank_probability,
        fairness_table,
        preferred,
        share_table,
    )
    from optical_core.analysis.gaps import GapChange, LanguageGap, gap_changes, language_gaps
    from optical_core.analysis.measure_names import measure_names
    from optical_core.analysis.measurements import Comparison, Measurements
    from optical_core.analysis.metrics import MEASURES, mean_measures, per_query_measures
    from optical_core.analysis.paper import paper_table
    from optical_core.analysis.power import Power, paired_power
    from optical_core.analysis.predictors import (
        Correlation,
        correlation_table,
        language_values,
        rank_correlation,
        regression_table,
    )
    from optical_core.analysis.significance import (
        CORRECTIONS,
        GroupTest,
        PairedTest,
        bootstrap_interval,
        corrected_p,
        group_tests,
        paired_tests,
        stars,
    )
    from optical_core.analysis.tables import Tables
    from optical_core.analysis.word_aligners import (
        itermax,
        mutual_argmax,
        plan_links,
        softmax_intersection,
        word_links,
    )

__all__ = [
    "CORRECTIONS",
    "MEASURES",
    "Comparison",
    "Correlation",
    "GapChange",
    "GroupTest",
    "LanguageGap",
    "LinkCounts",
    "Measurements",
    "PairedTest",
    "Power",
    "Tables",
    "alignment_error_rate",
    "bootstrap_interval",
    "contribution_table",
    "corrected_p",
    "correlation_table",
    "equal_rank_probability",
    "fairness_table",
    "gap_changes",
    "group_tests",
    "itermax",
    "language_gaps",
    "language_values",
    "mean_measures",
    "measure_names",
    "mutual_argmax",
    "paired_power",
    "paired_tests",
    "paper_table",
    "per_query_measures",
    "plan_links",
    "preferred",
    "rank_correlation",
    "regression_table",
    "share_table",
    "softmax_intersection",
    "stars",
    "table_texts",
    "word_links",
    "write_table",
]
__getattr__ = lazy_names(__name__, __file__)
