"""Token vectors of a batch of texts, and whether they become alike."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TokenBatch:
    """Unit token vectors (B, n, d), mask (B, n) of scored tokens, and which are [MASK]s (B, n).

    plan_vectors (B, n, e): what plans are made from, where it isn't the vectors themselves.
    """

    vectors: Tensor
    mask: Tensor
    expansion: Tensor
    plan_vectors: Tensor | None = None


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
