"""Objectives: what makes a student's foreign tokens like the teacher's English tokens.

Each takes a batch of student and teacher tokens and returns one loss for each pair, (B,), and
figures for the log. Masks mark the tokens that count; padding never does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from optical_core.distill import ranks
from optical_core.transport import cosine_cost, mask_augmented, real_tokens, solve
from optical_core.transport.marginals import mass_by_kind
from optical_core.transport.problem import transport_cost


@dataclass(frozen=True)
class TokenBatch:
    """Unit token vectors (B, n, d), mask (B, n) of scored tokens, and which are [MASK]s (B, n).

    plan_vectors (B, n, e): what plans are made from, where it isn't the vectors themselves.
    """

    vectors: Tensor
    mask: Tensor
    expansion: Tensor
    plan_vectors: Tensor | None = None


@dataclass(frozen=True)
class TransportOptions:
    """How the plans are computed; `epsilon` is a share of the costs' standard deviation."""

    solver: str = "exact"
    epsilon: float = 0.1
    marginals: str = "real-tokens"
    mass_penalty: float = 0.5


Result = tuple[Tensor, dict[str, float]]


def optical(student: TokenBatch, teacher: TokenBatch, options: TransportOptions) -> Result:
    """OPTICAL: ⟨P, C⟩ with P the transport plan of C = 1 - cos, held constant (Huang et al. 2023).

    Where we differ from the paper: mass lies on real tokens by default, and plans are exact. An
    eps that isn't small against the spread of the costs pulls every student token towards the
    mean of the sentence, and the student collapses.
    """
    cost = cosine_cost(student.vectors, teacher.vectors)
    ground = _plan_cost(student, teacher, cost)
    a, b = _marginals(student, options), _marginals(teacher, options)
    present = (a[:, :, None] > 0) & (b[:, None, :] > 0)
    spread = _spread(ground[present])
    both = present.any(2).any(1)
    a, b = a * both[:, None], b * both[:, None]
    extra: dict[str, Any] = {}
    if options.solver == "unbalanced":
        extra["mass_penalty"] = options.mass_penalty
    solution = solve(
        ground,
        a,
        b,
        method=options.solver,
        epsilon=max(options.epsilon * spread, 1e-6),
        **extra,
    )
    figures = {
        "marginal_error": float(solution.marginal_error.mean()),
        "cost_spread": spread,
    }
    if options.marginals == "mask-augmented":
        kinds = mass_by_kind(solution.plan, student.expansion, teacher.expansion)
        figures |= {f"mass_{kind}": float(share.mean()) for kind, share in kinds.items()}
    return transport_cost(solution.plan, cost), figures


def optical_unbalanced(
    student: TokenBatch, teacher: TokenBatch, options: TransportOptions
) -> Result:
    """OPTICAL with unbalanced transport: tokens without a counterpart may stay unmatched."""
    free = TransportOptions("unbalanced", options.epsilon, options.marginals, options.mass_penalty)
    return optical(student, teacher, free)


def greedy(student: TokenBatch, teacher: TokenBatch, options: TransportOptions) -> Result:
    """DR.DECR-style: pair tokens greedily by cosine without replacement, then MSE.

    After Li et al. 2022 (DR.DECR), which swaps student tokens into the order of the teacher's.
    Tokens of the longer side that find no partner are left out.
    """
    cost = cosine_cost(student.vectors, teacher.vectors)
    pairs = student.mask[:, :, None] & teacher.mask[:, None, :]
    with torch.no_grad():
        matched = _greedy_matches(cost, pairs)
    squared = 2 * cost  # |x - y|^2 of unit vectors
    count = matched.sum((1, 2)).clamp_min(1)
    return (matched * squared).sum((1, 2)) / count, {}


def mean_pool(student: TokenBatch, teacher: TokenBatch, options: TransportOptions) -> Result:
    """Sentence-level distillation: 1 - cos of the mean token vectors."""

    def mean(batch: TokenBatch) -> Tensor:
        weights = batch.mask.to(batch.vectors.dtype)[..., None]
        return (batch.vectors * weights).sum(1) / weights.sum(1).clamp_min(1)

    return 1 - torch.nn.functional.cosine_similarity(mean(student), mean(teacher), dim=-1), {}


def no_token_objective(
    student: TokenBatch, teacher: TokenBatch, options: TransportOptions
) -> Result:
    """Where scores alone teach: `score_distillation` (maxsim-kd), or `contrast`."""
    return student.vectors.sum((1, 2)) * 0, {}


OBJECTIVES: dict[str, Callable[[TokenBatch, TokenBatch, TransportOptions], Result]] = {
    "optical": optical,
    "optical-unbalanced": optical_unbalanced,
    "greedy": greedy,
    "mean-pool": mean_pool,
    "maxsim-kd": no_token_objective,
    "translate-train": no_token_objective,
}
"""Registry of objectives: one line adds one."""

SCORES_ALONE = ("maxsim-kd", "translate-train")
"""Objectives without a term over tokens."""


def score_distillation(
    student: TokenBatch, teacher: TokenBatch, passages: TokenBatch, *, temperature: float
) -> Tensor:
    """KL of the student's MaxSim distribution over in-batch passages from the teacher's, (B,).

    MaxSim is divided by the number of query tokens, since the two sides have different ones.
    `passages` are the teacher's vectors of the English sentences as passages.
    """
    log_student = (_mean_maxsim(student, passages) / temperature).log_softmax(-1)
    with torch.no_grad():
        log_teacher = (_mean_maxsim(teacher, passages) / temperature).log_softmax(-1)
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
    logits = _mean_maxsim(student, passages) / temperature
    flat = (passages.vectors * passages.mask[..., None]).flatten(1)
    own = flat[first : first + len(logits)]
    same = torch.cdist(own, flat, compute_mode="donot_use_mm_for_euclid_dist") < 1e-3
    return -(logits.log_softmax(-1).masked_fill(~same, -torch.inf)).logsumexp(-1)


def collapse_alarms(batch: TokenBatch) -> dict[str, float]:
    """Mean pairwise cosine and effective rank of a batch's tokens.

    Effective rank is exp of the entropy of the spectrum (Roy and Vetterli 2007). A mean cosine
    that rises, or a rank that falls, says that tokens become alike: a falling loss may hide it.
    """
    with torch.no_grad():
        tokens = batch.vectors[batch.mask].float()
        count = len(tokens)
        if count < 2:
            return {"mean_cosine": 0.0, "effective_rank": 0.0}
        total = tokens.sum(0)
        cosine = (total @ total - (tokens * tokens).sum()) / (count * (count - 1))
        spectrum = torch.linalg.eigvalsh(tokens.T @ tokens).clamp_min(1e-12)
        share = spectrum / spectrum.sum()
        rank = torch.exp(-(share * share.log()).sum())
        return {"mean_cosine": float(cosine), "effective_rank": float(rank)}


def _plan_cost(student: TokenBatch, teacher: TokenBatch, cost: Tensor) -> Tensor:
    """The cost that plans are solved for, without a gradient.

    Vectors of inner layers lie in a narrow cone: they are taken from the mean of the batch.
    """
    if student.plan_vectors is None or teacher.plan_vectors is None:
        return cost.detach()
    with torch.no_grad():
        sides = [(student.plan_vectors, student.mask), (teacher.plan_vectors, teacher.mask)]
        tokens = torch.cat([vectors[mask] for vectors, mask in sides])
        mean = ranks.total(tokens.sum(0)) / ranks.total(tokens.new_tensor(len(tokens)))
        x, y = (torch.nn.functional.normalize(vectors - mean, dim=-1) for vectors, _ in sides)
        return cosine_cost(x, y)


def _spread(costs: Tensor) -> float:
    """Standard deviation of the costs (N,) of the batch, over all ranks that share it.

    1 where there are fewer than two, as only the start of a training has it: no pair with tokens
    on both sides.
    """
    number = ranks.total(costs.new_tensor(len(costs)))
    if number < 2:
        return 1.0
    mean = ranks.total(costs.sum()) / number
    return float((ranks.total((costs - mean).square().sum()) / (number - 1)).sqrt())


def _marginals(batch: TokenBatch, options: TransportOptions) -> Tensor:
    if options.marginals == "mask-augmented":
        return mask_augmented(batch.mask & ~batch.expansion, batch.expansion)
    return real_tokens(batch.mask & ~batch.expansion)


def _mean_maxsim(queries: TokenBatch, passages: TokenBatch) -> Tensor:
    """(B, P) mean over query tokens of the best cosine with a passage's tokens."""
    similarity = torch.einsum("bnd,pmd->bpnm", queries.vectors, passages.vectors)
    # Padding must lose even where all real similarities are negative.
    lowest = torch.finfo(similarity.dtype).min
    best = similarity.masked_fill(~passages.mask[None, :, None, :], lowest).amax(-1)
    weights = queries.mask.to(best.dtype)
    weights = weights / weights.sum(-1, keepdim=True).clamp_min(1)
    return torch.einsum("bpn,bn->bp", best.clamp_min(-1), weights)


def _greedy_matches(cost: Tensor, pairs: Tensor) -> Tensor:
    """0/1 matrix (B, n, m) of greedy one-to-one matches in order of rising cost."""
    remaining = cost.masked_fill(~pairs, torch.inf)
    matched = torch.zeros_like(cost)
    rows = torch.arange(len(cost), device=cost.device)
    for _ in range(min(cost.shape[1:])):
        best, index = remaining.flatten(1).min(1)
        i, j = index // cost.shape[2], index % cost.shape[2]
        found = torch.isfinite(best)
        matched[rows[found], i[found], j[found]] = 1
        remaining[rows, i, :] = torch.inf
        remaining[rows, :, j] = torch.inf
    return matched
