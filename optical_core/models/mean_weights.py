"""The mean of several trainings' weights, from and to their files (see `deltas`)."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from optical_core.errors import InputError
from optical_core.models.deltas import ADAPTER, CHANGED, LORA, clone_model
from optical_core.models.pieces import load_pieces, moved_pieces, save_pieces
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.weights import read_tensors, write_tensors

if TYPE_CHECKING:
    from torch import Tensor

NEAR = 0.9
"""Least cosine of two trainings' projections. Those that point elsewhere have no useful mean."""


def write_mean(folder: Path, parts: Sequence[Path], base: TokenEncoder, strength: float) -> None:
    """Write the mean of several trainings' weights, each as far from `base` as `strength` says.

    Adapters are multiplied out, and the mean is cut to the best product of the largest adapter's
    rank. Where all began with one adapter, little is lost: a quarter of a percent of the length
    for three teachers of rank 32.

    Args:
        folder: where the files are written.
        parts: the trained models' folders.
        base: the encoder that all of them were trained from.
        strength: s in (0, 1]: weights are base + s (mean - base). A projection to another size
            stays the mean.

    Raises:
        InputError: weights are missing or damaged, some were trained with LoRA and others without,
            or the projections aren't near each other.
    """
    with_lora = [part for part in parts if (part / LORA).is_file()]
    if with_lora and len(with_lora) < len(parts):
        without = next(part for part in parts if part not in with_lora)
        raise InputError(f"{with_lora[0].name} was trained with LoRA, {without.name} without")
    if with_lora:
        _write_adapter(folder, parts, strength)
    if not with_lora or any((part / CHANGED).is_file() for part in parts):
        _write_changed(folder, parts, base, strength)
    model = clone_model(base)
    for part in parts:
        load_pieces(part, model)  # each adds to what was moved before
    if moved := moved_pieces(model):
        moved.moves.weight.data *= strength / len(parts)
        save_pieces(folder, moved)


def _write_adapter(folder: Path, parts: Sequence[Path], strength: float) -> None:
    """Write the mean of adapters, which all scale their product B A alike (alpha = 2 r)."""
    import torch

    adapters = [read_tensors(part / LORA) for part in parts]
    downs = sorted({key for adapter in adapters for key in adapter if "lora_A" in key})
    ranks = [max(a[down].shape[0] for down in downs if down in a) for a in adapters]
    rank = max(ranks)
    mean: dict[str, Tensor] = {}
    for down in downs:
        up = down.replace("lora_A", "lora_B")
        products = [a[up].float() @ a[down].float() for a in adapters if down in a]
        product = torch.stack(products).sum(0) * strength / len(parts)
        left, values, right = torch.linalg.svd(product, full_matrices=False)
        roots = values[:rank].sqrt()
        mean[up] = (left[:, :rank] * roots).half().contiguous()
        mean[down] = (roots[:, None] * right[:rank]).half().contiguous()
    shutil.copytree(parts[ranks.index(rank)] / ADAPTER, folder / ADAPTER)
    write_tensors(folder / LORA, mean)


def _write_changed(
    folder: Path, parts: Sequence[Path], base: TokenEncoder, strength: float
) -> None:
    """Write the mean of the tensors that differ from the base's in any of the parts."""
    import torch

    before = {key: value.cpu() for key, value in base.model.state_dict().items()}
    states = [read_tensors(p / CHANGED) if (p / CHANGED).is_file() else {} for p in parts]
    mean: dict[str, Tensor] = {}
    for key in sorted(set().union(*states)):
        values = [state[key] if key in state else before[key] for state in states]
        mean[key] = torch.stack(values).mean(0)
        if key in before and before[key].shape == mean[key].shape:
            mean[key] = torch.lerp(before[key], mean[key], strength)
            continue
        for part, value in zip(parts, values, strict=True):
            near = torch.cosine_similarity(values[0].flatten(), value.flatten(), dim=0)
            if value.dim() > 1 and near < NEAR:
                raise InputError(
                    f"the projections of {parts[0].name} and {part.name} are no variants of one "
                    f"another (cosine {near:.2f}): begin both trainings with one teacher (start)"
                )
    write_tensors(folder / CHANGED, mean)
