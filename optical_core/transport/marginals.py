"""Costs and marginals: which tokens carry mass, and what moving it costs."""

from __future__ import annotations

import torch
from torch import Tensor

MARGINALS = ("real-tokens", "mask-augmented")
"""Which tokens may carry mass: see `real_tokens` and `mask_augmented`."""


def check_marginals(name: str) -> None:
    """Raise ValueError for marginals that aren't one of `MARGINALS`."""
    if name not in MARGINALS:
        raise ValueError(f"marginals must be one of {', '.join(MARGINALS)}, got {name!r}")


def cosine_cost(source: Tensor, target: Tensor) -> Tensor:
    """C_ij = 1 - cos(source i, target j), shape (B, n, m), in [0, 2].

    `source` (B, n, d) and `target` (B, m, d) need not be unit length. Computed in fp32 or better.
    """
    dtype = torch.promote_types(source.dtype, torch.float32)
    unit = torch.nn.functional.normalize
    return 1 - unit(source.to(dtype), dim=-1) @ unit(target.to(dtype), dim=-1).transpose(-1, -2)


def real_tokens(mask: Tensor) -> Tensor:
    """Uniform mass 1/|q| over the tokens where `mask` (B, n) holds, zero elsewhere.

    A row without tokens gets no mass at all.
    """
    mask = mask.to(torch.float32)
    return mask / mask.sum(-1, keepdim=True).clamp_min(1)


def mask_augmented(mask: Tensor, expansion: Tensor) -> Tensor:
    """Uniform mass 1/L over real tokens and [MASK] expansion positions together.

    The form of the paper's description (OPTICAL, section 3): both sides are extended with
    [MASK] to one length L. `mask` (B, n) marks real tokens, `expansion` (B, n) the [MASK]s.
    """
    return real_tokens(mask.bool() | expansion.bool())


def mass_by_kind(plan: Tensor, source_mask: Tensor, target_mask: Tensor) -> dict[str, Tensor]:
    """Share of the plan's mass that is mask-mask, mask-real (either way) and real-real, (B,).

    All are 0 for a plan without mass.
    `source_mask` (B, n) and `target_mask` (B, m) mark the [MASK] expansion positions.
    """
    mass = plan.sum((-1, -2))
    total = mass.clamp_min(torch.finfo(plan.dtype).tiny)
    source, target = source_mask.to(plan.dtype), target_mask.to(plan.dtype)
    both = torch.einsum("bnm,bn,bm->b", plan, source, target) / total
    neither = torch.einsum("bnm,bn,bm->b", plan, 1 - source, 1 - target) / total
    return {"mask_mask": both, "mask_real": mass / total - both - neither, "real_real": neither}
