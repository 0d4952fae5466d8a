"""Costs and marginals: which tokens carry mass, and what moving it costs."""

from __future__ import annotations

import torch
from torch import Tensor

MARGINALS = ("real-tokens", "mask-augmented")
"""Which tokens may carry mass: see `real_tokens` and `mask_augmented`."""


def check_marginals(name: str) -> None:
    """Check the name of marginals.

    Raises:
        ValueError: it isn't one of `MARGINALS`.
    """
    if name not in MARGINALS:
        raise ValueError(f"marginals must be one of {', '.join(MARGINALS)}, got {name!r}")


def cosine_cost(source: Tensor, target: Tensor) -> Tensor:
    """Compute C_ij = 1 - cos(source i, target j), in fp32 or better.

    Args:
        source: (B, n, d); vectors of any length.
        target: (B, m, d).

    Returns:
        (B, n, m), values in [0, 2].

    Examples:
        >>> cosine_cost(torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[2.0, 0.0], [0.0, 1.0]]]))
        tensor([[[0., 1.]]])
    """
    dtype = torch.promote_types(source.dtype, torch.float32)
    unit = torch.nn.functional.normalize
    return 1 - unit(source.to(dtype), dim=-1) @ unit(target.to(dtype), dim=-1).transpose(-1, -2)


def real_tokens(mask: Tensor, weights: Tensor | None = None) -> Tensor:
    """Give each real token of a text the same mass 1/|q|, other positions none.

    Args:
        mask: (B, n), true where there is a real token.
        weights: (B, n), above 0: tokens then get mass in their proportion.

    Returns:
        (B, n) fp32. A row without tokens has no mass at all.

    Examples:
        >>> real_tokens(torch.tensor([[True, True, False], [False, False, False]]))
        tensor([[0.5000, 0.5000, 0.0000],
                [0.0000, 0.0000, 0.0000]])
    """
    mask = mask.to(torch.float32)
    if weights is not None:
        mask = mask * weights
        return mask / mask.sum(-1, keepdim=True).clamp_min(torch.finfo(mask.dtype).tiny)
    return mask / mask.sum(-1, keepdim=True).clamp_min(1)


def mask_augmented(mask: Tensor, expansion: Tensor) -> Tensor:
    """Give real tokens and [MASK] expansion positions the same mass 1/L.

    This is the form that the paper describes (OPTICAL, section 3): both sides are extended with
    [MASK] to one length L.

    Args:
        mask: (B, n), true where there is a real token.
        expansion: (B, n), true where there is a [MASK].

    Returns:
        (B, n) fp32.

    Examples:
        >>> mask_augmented(torch.tensor([[True, False]]), torch.tensor([[False, True]]))
        tensor([[0.5000, 0.5000]])
    """
    return real_tokens(mask.bool() | expansion.bool())


def mass_by_kind(plan: Tensor, source_mask: Tensor, target_mask: Tensor) -> dict[str, Tensor]:
    """Split the plan's mass into mask-mask, mask-real (either way) and real-real.

    Args:
        plan: (B, n, m).
        source_mask: (B, n), true at [MASK] expansion positions.
        target_mask: (B, m), the same for the target.

    Returns:
        Kind -> its share of the mass, (B,). All are 0 for a plan without mass.
    """
    mass = plan.sum((-1, -2))
    total = mass.clamp_min(torch.finfo(plan.dtype).tiny)
    source, target = source_mask.to(plan.dtype), target_mask.to(plan.dtype)
    both = torch.einsum("bnm,bn,bm->b", plan, source, target) / total
    neither = torch.einsum("bnm,bn,bm->b", plan, 1 - source, 1 - target) / total
    return {"mask_mask": both, "mask_real": mass / total - both - neither, "real_real": neither}
