"""Objectives: losses that draw a student's foreign tokens to the teacher's English tokens.

Each is an object that states what it needs and computes one loss for each pair of a batch, (B,).
Masks mark the tokens that count; padding never does.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from optical_core.distill import ranks
from optical_core.distill.score_losses import contrast, score_distillation
from optical_core.distill.token_batch import TokenBatch
from optical_core.transport import (
    TransportSettings,
    cosine_cost,
    mask_augmented,
    real_tokens,
    solve,
)
from optical_core.transport.marginals import mass_by_kind
from optical_core.transport.problem import transport_cost

Losses = tuple[Tensor, dict[str, float]]
"""One loss for each pair, (B,), and figures for the log."""


class Objective:
    """A training objective: what it needs, and its losses.

    Attributes:
        teacher: whether a teacher takes part. Without one, the student models language (see
            `language_modelling`), in one process.
        plans: whether it solves transport problems. Only plans use an inner layer.
        passages: whether the loss over scores is its own; `score_weight` then doesn't apply.

    Examples:
        >>> OBJECTIVES["optical"].columns(scores=True)
        ('foreign', 'english', 'passage')
        >>> OBJECTIVES["tlm"].teacher
        False
    """

    teacher = True
    plans = False
    passages = False

    def columns(self, *, scores: bool) -> tuple[str, ...]:
        """List the columns of the training's rows: `foreign`, `english`, `both`, `passage`.

        Args:
            scores: whether there is a loss over scores besides the objective's own.
        """
        return ("foreign", "english", *(["passage"] if scores or self.passages else []))

    def token_loss(
        self, student: TokenBatch, teacher: TokenBatch, settings: TransportSettings
    ) -> Losses | None:
        """Compute the loss over tokens; None if the objective has only scores.

        Args:
            student: the foreign queries, (B, n, d).
            teacher: the English queries, (B, m, d).
            settings: how plans are solved.
        """
        return None

    def score_loss(
        self,
        student: TokenBatch,
        teacher: TokenBatch,
        passages: TokenBatch,
        *,
        temperature: float,
        first: int,
    ) -> Tensor:
        """Compute the loss over scores of the batch's English sentences as passages, (B,).

        Args:
            student: the foreign queries, (B, n, d).
            teacher: the English queries, (B, m, d).
            passages: the English sentences of all ranks as passages, (P, k, d).
            temperature: of the softmax over passages.
            first: where this rank's passages begin.
        """
        return score_distillation(student, teacher, passages, temperature=temperature)


class Optical(Objective):
    """OPTICAL: ⟨P, C⟩ with P the transport plan of C = 1 - cos, held constant (Huang et al. 2023).

    We differ from the paper: by default only real tokens have mass, and plans are exact. An eps
    that isn't small beside the spread of the costs pulls every student token towards the mean of
    the sentence, and the student collapses.
    """

    plans = True

    def token_loss(
        self, student: TokenBatch, teacher: TokenBatch, settings: TransportSettings
    ) -> Losses:
        cost = cosine_cost(student.vectors, teacher.vectors)
        ground = _plan_cost(student, teacher, cost)
        a, b = _marginals(student, settings), _marginals(teacher, settings)
        present = (a[:, :, None] > 0) & (b[:, None, :] > 0)
        spread = _spread(ground[present])
        both = present.any(2).any(1)
        a, b = a * both[:, None], b * both[:, None]
        solution = solve(ground, a, b, settings.for_spread(spread))
        figures = {
            "marginal_error": float(solution.marginal_error.mean()),
            "cost_spread": spread,
        }
        if settings.marginals == "mask-augmented":
            kinds = mass_by_kind(solution.plan, student.expansion, teacher.expansion)
            figures |= {f"mass_{kind}": float(share.mean()) for kind, share in kinds.items()}
        return transport_cost(solution.plan, cost), figures


class OpticalUnbalanced(Optical):
    """OPTICAL with unbalanced transport: tokens without a counterpart may stay unmatched."""

    def token_loss(
        self, student: TokenBatch, teacher: TokenBatch, settings: TransportSettings
    ) -> Losses:
        return super().token_loss(student, teacher, replace(settings, method="unbalanced"))


class Greedy(Objective):
    """DR.DECR-style: pair tokens greedily by cosine without replacement, then MSE.

    Source: Li et al. 2022 (DR.DECR), who swap student tokens into the order of the teacher's.
    Tokens of the longer side without a partner are left out.
    """

    def token_loss(
        self, student: TokenBatch, teacher: TokenBatch, settings: TransportSettings
    ) -> Losses:
        cost = cosine_cost(student.vectors, teacher.vectors)
        pairs = student.mask[:, :, None] & teacher.mask[:, None, :]
        with torch.no_grad():
            matched = _greedy_matches(cost, pairs)
        squared = 2 * cost  # |x - y|^2 of unit vectors
        count = matched.sum((1, 2)).clamp_min(1)
        return (matched * squared).sum((1, 2)) / count, {}


class MeanPool(Objective):
    """Sentence-level distillation: 1 - cos of the mean token vectors."""

    def token_loss(
        self, student: TokenBatch, teacher: TokenBatch, settings: TransportSettings
    ) -> Losses:
        means = _mean(student), _mean(teacher)
        return 1 - torch.nn.functional.cosine_similarity(*means, dim=-1), {}


class MaxSimScores(Objective):
    """Only the teacher's scores: see `score_distillation`."""

    passages = True


class TranslateTrain(Objective):
    """The teacher only encodes passages: see `contrast`."""

    passages = True

    def score_loss(
        self,
        student: TokenBatch,
        teacher: TokenBatch,
        passages: TokenBatch,
        *,
        temperature: float,
        first: int,
    ) -> Tensor:
        return contrast(student, passages, temperature=temperature, first=first)


class MaskedLanguage(Objective):
    """Continued pre-training: masked pieces of each sentence by itself."""

    teacher = False

    def columns(self, *, scores: bool) -> tuple[str, ...]:
        return ("foreign", "english")


class TranslationLanguage(MaskedLanguage):
    """Continued pre-training: masked pieces of the pair as one text."""

    def columns(self, *, scores: bool) -> tuple[str, ...]:
        return ("both",)


OBJECTIVES: dict[str, Objective] = {
    "optical": Optical(),
    "optical-unbalanced": OpticalUnbalanced(),
    "greedy": Greedy(),
    "mean-pool": MeanPool(),
    "maxsim-kd": MaxSimScores(),
    "translate-train": TranslateTrain(),
    "mlm": MaskedLanguage(),
    "tlm": TranslationLanguage(),
}
"""Registry of objectives: one line adds one."""


def _plan_cost(student: TokenBatch, teacher: TokenBatch, cost: Tensor) -> Tensor:
    """Compute the cost that plans are solved for, without a gradient.

    Vectors of inner layers point in nearly one direction, so the batch's mean is subtracted.
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
    """Compute the standard deviation of the batch's costs (N,), over all ranks that share it.

    It is 1 for fewer than two costs, when no pair has tokens on both sides.
    """
    number = ranks.total(costs.new_tensor(len(costs)))
    if number < 2:
        return 1.0
    mean = ranks.total(costs.sum()) / number
    return float((ranks.total((costs - mean).square().sum()) / (number - 1)).sqrt())


def _marginals(batch: TokenBatch, settings: TransportSettings) -> Tensor:
    if settings.marginals == "mask-augmented":
        return mask_augmented(batch.mask & ~batch.expansion, batch.expansion)
    return real_tokens(batch.mask & ~batch.expansion, batch.weights)


def _mean(batch: TokenBatch) -> Tensor:
    """Average each text's token vectors: (B, d)."""
    weights = batch.mask.to(batch.vectors.dtype)[..., None]
    return (batch.vectors * weights).sum(1) / weights.sum(1).clamp_min(1)


def _greedy_matches(cost: Tensor, pairs: Tensor) -> Tensor:
    """Match tokens one to one, cheapest first: a 0/1 matrix (B, n, m)."""
    remaining = cost.masked_fill(~pairs, torch.inf)
    matched = torch.zeros_like(cost)
    rows = torch.arange(len(cost), device=cost.device)
    for _ in range(min(cost.shape[1:])):
        best, index = remaining.flatten(1).min(1)
        i, j = index // cost.shape[2], index % cost.shape[2]
        left = torch.isfinite(best)
        matched[rows[left], i[left], j[left]] = 1
        remaining[rows, i, :] = torch.inf
        remaining[rows, :, j] = torch.inf
    return matched
