"""Losses over a student's scores of a batch's English sentences as passages."""

from __future__ import annotations

import torch
from torch import Tensor

from optical_core.distill.token_batch import TokenBatch


def score_distillation(
    student: TokenBatch, teacher: TokenBatch, passages: TokenBatch, *, temperature: float
) -> Tensor:
    """Compute KL(teacher || student) of the MaxSim distributions over in-batch passages, (B,).

    MaxSim is divided by the number of query tokens, which differs between the two sides.

    Args:
        student: the foreign queries.
        teacher: the English queries.
        passages: the teacher's vectors of the English sentences as passages.
        temperature: of both distributions.
    """
    log_student = (mean_maxsim(student, passages) / temperature).log_softmax(-1)
    with torch.no_grad():
        log_teacher = (mean_maxsim(teacher, passages) / temperature).log_softmax(-1)
    return (log_teacher.exp() * (log_teacher - log_student)).sum(-1)


def contrast(
    student: TokenBatch, passages: TokenBatch, *, temperature: float, first: int = 0
) -> Tensor:
    """Compute the cross-entropy of picking each query's own English sentence in the batch, (B,).

    This is translate-train without judgements. A translated sentence is the query, its English
    original the relevant passage, and the batch's other English sentences are the other passages.
    The teacher only encodes the passages. If a batch has an English sentence twice, both are right.

    Args:
        student: the foreign queries.
        passages: the English sentences as passages.
        temperature: of the softmax over passages.
        first: where these students' passages begin, if ranks share the batch.
    """
    logits = mean_maxsim(student, passages) / temperature
    flat = (passages.vectors * passages.mask[..., None]).flatten(1)
    relevant = flat[first : first + len(logits)]
    same = torch.cdist(relevant, flat, compute_mode="donot_use_mm_for_euclid_dist") < 1e-3
    return -(logits.log_softmax(-1).masked_fill(~same, -torch.inf)).logsumexp(-1)


def ranked_distillation(
    student: TokenBatch, teacher: TokenBatch, passages: TokenBatch, *, temperature: float
) -> Tensor:
    """Compute KL(teacher || student) as `score_distillation`, but over each pair's own passages.

    Args:
        student: the B foreign queries.
        teacher: the B English queries.
        passages: B * k, those of a pair together.
        temperature: of both distributions.
    """

    def logits(queries: TokenBatch) -> Tensor:
        own = passages.vectors.unflatten(0, (len(queries.vectors), -1))
        similarity = torch.einsum("bnd,bkmd->bknm", queries.vectors, own)
        present = passages.mask.unflatten(0, (len(queries.vectors), -1))
        return _mean_best(similarity, queries, present) / temperature

    with torch.no_grad():
        log_teacher = logits(teacher).log_softmax(-1)
    return (log_teacher.exp() * (log_teacher - logits(student).log_softmax(-1))).sum(-1)


def mean_maxsim(queries: TokenBatch, passages: TokenBatch) -> Tensor:
    """Average the best cosine with a passage's tokens over the query's tokens: (B, P)."""
    similarity = torch.einsum("bnd,pmd->bpnm", queries.vectors, passages.vectors)
    return _mean_best(similarity, queries, passages.mask[None])


def _mean_best(similarity: Tensor, queries: TokenBatch, present: Tensor) -> Tensor:
    """Average the best of cosines (B, P, n, m), where tokens (B or 1, P, m) are present: (B, P)."""
    # Padding must lose even where all real similarities are negative.
    lowest = torch.finfo(similarity.dtype).min
    best = similarity.masked_fill(~present[:, :, None, :], lowest).amax(-1)
    weights = queries.mask.to(best.dtype)
    weights = weights / weights.sum(-1, keepdim=True).clamp_min(1)
    return torch.einsum("bpn,bn->bp", best.clamp_min(-1), weights)
