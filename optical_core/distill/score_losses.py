"""Losses over a student's scores of passages, and what English tokens decide about a ranking."""

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
        return _mean(_best_of_own(queries, passages), queries) / temperature

    with torch.no_grad():
        log_teacher = logits(teacher).log_softmax(-1)
    return (log_teacher.exp() * (log_teacher - logits(student).log_softmax(-1))).sum(-1)


def ranking_weights(queries: TokenBatch, passages: TokenBatch) -> Tensor:
    """Weigh each query token by how much it decides the ranking of the query's own passages.

    MaxSim is a sum over query tokens of the best cosines with a passage. A token whose best cosine
    is the same in all passages ranks none of them; its weight is the standard deviation. None is
    below a tenth of its query's mean: a plan leaves no token out.

    Args:
        queries: B, such as a batch's English sentences.
        passages: B * k, those of a query together, k at least 2.

    Returns:
        (B, n), above 0 for all scored tokens.
    """
    with torch.no_grad():
        spread = _best_of_own(queries, passages).std(1) * queries.mask
        mean = spread.sum(-1, keepdim=True) / queries.mask.sum(-1, keepdim=True).clamp_min(1)
        return spread.clamp_min(0.1 * mean.clamp_min(1e-6))


def mean_maxsim(queries: TokenBatch, passages: TokenBatch) -> Tensor:
    """Average the best cosine with a passage's tokens over the query's tokens: (B, P)."""
    similarity = torch.einsum("bnd,pmd->bpnm", queries.vectors, passages.vectors)
    return _mean(_best(similarity, passages.mask[None]), queries)


def _best_of_own(queries: TokenBatch, passages: TokenBatch) -> Tensor:
    """Best cosines (B, k, n) of each query's tokens with its own k passages, of B * k."""
    own = passages.vectors.unflatten(0, (len(queries.vectors), -1))
    similarity = torch.einsum("bnd,bkmd->bknm", queries.vectors, own)
    return _best(similarity, passages.mask.unflatten(0, (len(queries.vectors), -1)))


def _best(similarity: Tensor, present: Tensor) -> Tensor:
    """Best (B, P, n) of cosines (B, P, n, m), where tokens (B or 1, P, m) are present."""
    # Padding must lose even where all real similarities are negative.
    lowest = torch.finfo(similarity.dtype).min
    return similarity.masked_fill(~present[:, :, None, :], lowest).amax(-1).clamp_min(-1)


def _mean(best: Tensor, queries: TokenBatch) -> Tensor:
    """Average best cosines (B, P, n) over the query's tokens: (B, P)."""
    weights = queries.mask.to(best.dtype)
    weights = weights / weights.sum(-1, keepdim=True).clamp_min(1)
    return torch.einsum("bpn,bn->bp", best, weights)
