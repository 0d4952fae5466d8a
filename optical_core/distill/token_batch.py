"""Token vectors of a batch of texts, and figures that show whether they become alike."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TokenBatch:
    """The token vectors of B texts.

    Attributes:
        vectors: (B, n, d), of unit length.
        mask: (B, n), true for scored tokens.
        expansion: (B, n), true for [MASK]s.
        plan_vectors: (B, n, e), for plans; None if these are made from `vectors`.
        pieces: (B, n), the tokens' numbers in the vocabulary; None if they aren't known.
        weights: (B, n), masses of the tokens before they are normalised; None if all are equal.
    """

    vectors: Tensor
    mask: Tensor
    expansion: Tensor
    plan_vectors: Tensor | None = None
    pieces: Tensor | None = None
    weights: Tensor | None = None


ALARMS = ("mean_cosine", "effective_rank")


def collapse_alarms(batch: TokenBatch) -> dict[str, float]:
    """Compute the mean pairwise cosine and the effective rank of a batch's tokens.

    The effective rank is exp of the spectrum's entropy (Roy and Vetterli 2007). If the mean cosine
    rises or the rank falls, tokens become alike. A falling loss may hide this.
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
