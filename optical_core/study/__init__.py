"""Experiments: models x languages x collections, and their records.

`evaluate.evaluate` measures models on one collection; its module has the same name.
"""

from typing import TYPE_CHECKING

from optical_core.lazy import lazy_names

if TYPE_CHECKING:
    from optical_core.study import evaluate
    from optical_core.study.alignment_quality import alignment_table
    from optical_core.study.config import StudyConfig
    from optical_core.study.fuse import fit_weights
    from optical_core.study.lexicon import build_lexicon
    from optical_core.study.predictors import query_costs
    from optical_core.study.report import write_report
    from optical_core.study.results import find_results, read_results
    from optical_core.study.run import run_study, study_collections
    from optical_core.study.study_files import read_study
    from optical_core.study.summary import Findings, study_findings
    from optical_core.study.translations import translate_queries
    from optical_core.study.uploaded_results import read_results_zip, results_from_runs

__all__ = [
    "Findings",
    "StudyConfig",
    "alignment_table",
    "build_lexicon",
    "evaluate",
    "find_results",
    "fit_weights",
    "query_costs",
    "read_results",
    "read_results_zip",
    "read_study",
    "results_from_runs",
    "run_study",
    "study_collections",
    "study_findings",
    "translate_queries",
    "write_report",
]
__getattr__ = lazy_names(__name__, __file__)
