"""Losses over the scores that a student gives the English sentences of a batch as passages."""

from __future__ import annotations

import torch
from torch import Tensor

from optical_core.distill.token_batch import TokenBatch


def score_distillation(
    student: TokenBatch, teacher: TokenBatch, passages: TokenBatch, *, temperature: float
) -> Tensor:
    """KL of the student's MaxSim distribution over in-batch passages from the teacher's, (B,).

    MaxSim is divided by the number of query tokens, since the two sides have different ones.
    `passages` are the teacher's vectors of the English sentences as passages.
    """
    log_student = (mean_maxsim(student, passages) / temperature).log_softmax(-1)
    with torch.no_grad():
        log_teacher = (mean_maxsim(teacher, passages) / temperature).log_softmax(-1)
    return (log_teacher.exp() * (log_teacher - log_student)).sum(-1)


def contrast(
    student: TokenBatch, passages: TokenBatch, *, temperature: float, first: int = 0
) -> Tensor:
    """Cross-entropy of picking the own English sentence among the batch's as passages, (B,).

    Translate-train without relevance judgements: a translated sentence is the query, its English
    the relevant passage, those of the rest of the batch the others. No teacher takes part but for
    its passages. An English sentence that comes twice in the batch is right both times.
    `first` is where the students' own passages begin, in a batch that is shared among ranks.
    """
    logits = mean_maxsim(student, passages) / temperature
    flat = (passages.vectors * passages.mask[..., None]).flatten(1)
    own = flat[first : first + len(logits)]
    same = torch.cdist(own, flat, compute_mode="donot_use_mm_for_euclid_dist") < 1e-3
    return -(logits.log_softmax(-1).masked_fill(~same, -torch.inf)).logsumexp(-1)


def mean_maxsim(queries: TokenBatch, passages: TokenBatch) -> Tensor:
    """(B, P) mean over query tokens of the best cosine with a passage's tokens."""
    similarity = torch.einsum("bnd,pmd->bpnm", queries.vectors, passages.vectors)
    # Padding must lose even where all real similarities are negative.
    lowest = torch.finfo(similarity.dtype).min
    best = similarity.masked_fill(~passages.mask[None, :, None, :], lowest).amax(-1)
    weights = queries.mask.to(best.dtype)
    weights = weights / weights.sum(-1, keepdim=True).clamp_min(1)
    return torch.einsum("bpn,bn->bp", best.clamp_min(-1), weights)
