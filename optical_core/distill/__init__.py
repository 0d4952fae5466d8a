"""Distillation: objectives, the loss for sentence-transformers' trainer, and our own runs.

`teach.teach` trains a teacher on relevance; its module has the same name.
"""

from typing import TYPE_CHECKING

from optical_core.lazy import lazy_names

if TYPE_CHECKING:
    from optical_core.distill import teach
    from optical_core.distill.config import DistillConfig
    from optical_core.distill.jobs import Job, list_jobs, read_job, resume_job, start_job, stop_job
    from optical_core.distill.loss import OpticalLoss
    from optical_core.distill.objectives import OBJECTIVES, Objective
    from optical_core.distill.runs import list_runs
    from optical_core.distill.teach_config import TeachConfig
    from optical_core.distill.token_batch import TokenBatch
    from optical_core.distill.trainer import distill

__all__ = [
    "OBJECTIVES",
    "DistillConfig",
    "Job",
    "Objective",
    "OpticalLoss",
    "TeachConfig",
    "TokenBatch",
    "distill",
    "list_jobs",
    "list_runs",
    "read_job",
    "resume_job",
    "start_job",
    "stop_job",
    "teach",
]
__getattr__ = lazy_names(__name__, __file__)
