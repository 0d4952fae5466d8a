"""The mean of several trainings' weights, from and to their files (see `deltas`)."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from optical_core.data.lines import read_json
from optical_core.errors import InputError
from optical_core.models.deltas import (
    ADAPTER,
    CHANGED,
    LORA,
    LORA_SETTINGS,
    clone_model,
)
from optical_core.models.pieces import FILE as PIECES
from optical_core.models.pieces import load_pieces, moved_pieces, save_pieces
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.weights import read_tensors, write_tensors

if TYPE_CHECKING:
    from torch import Tensor

LEAST_COSINE = 0.9
"""Of two trainings' projections. If they point in different directions, their mean is useless."""


def write_mean(folder: Path, parts: Sequence[Path], base: TokenEncoder, strength: float) -> None:
    """Write the mean of several trainings' weights, each as far from `base` as `strength` says.

    Adapters are multiplied out, and the mean is cut to the best product of the largest adapter's
    rank. Where all began with one adapter, little is lost: a quarter of a percent of the length
    for three teachers of rank 32.

    Args:
        folder: where the files are written.
        parts: the trained models' folders.
        base: the encoder that all of them were trained from.
        strength: s in (0, 1]: weights are base + s (mean - base). A projection to another size,
            or beside adapters, stays the mean.

    Raises:
        InputError: weights are missing or damaged, the trainings are of other kinds, or the
            projections point in different directions.
    """
    with_lora = [part for part in parts if (part / ADAPTER).is_dir()]
    if with_lora and len(with_lora) < len(parts):
        without = next(part for part in parts if part not in with_lora)
        raise InputError(f"{with_lora[0].name} was trained with LoRA, {without.name} without")
    if with_lora:
        _write_adapter(folder, parts, strength)
    if not with_lora or any((part / CHANGED).is_file() for part in parts):
        _write_changed(folder, parts, base, 1 if with_lora else strength)
    if any((part / PIECES).is_file() for part in parts):
        model = clone_model(base)
        for part in parts:
            load_pieces(part, model)  # each adds to what was moved before
        moved = moved_pieces(model)
        assert moved is not None, "a part has moved pieces"
        moved.moves.weight.data *= strength / len(parts)
        save_pieces(folder, moved)


def _write_adapter(folder: Path, parts: Sequence[Path], strength: float) -> None:
    """Write the mean of the products B A of adapters that are alike but for their rank."""
    import torch

    adapters = [read_tensors(part / LORA) for part in parts]
    _check_adapters(parts, adapters)
    downs = sorted(key for key in adapters[0] if "lora_A" in key)
    ranks = [max(len(adapter[down]) for down in downs) for adapter in adapters]
    rank = max(ranks)
    mean: dict[str, Tensor] = {}
    for down in downs:
        up = down.replace("lora_A", "lora_B")
        products = [a[up].float() @ a[down].float() for a in adapters]
        product = torch.stack(products).sum(0) * strength / len(parts)
        left, values, right = torch.linalg.svd(product, full_matrices=False)
        roots = values[:rank].sqrt()
        lacking = rank - len(roots)  # where a layer is narrower than the rank
        pad = torch.nn.functional.pad
        mean[up] = pad(left[:, :rank] * roots, (0, lacking)).half().contiguous()
        mean[down] = pad(roots[:, None] * right[:rank], (0, 0, 0, lacking)).half().contiguous()
    shutil.copytree(parts[ranks.index(rank)] / ADAPTER, folder / ADAPTER)
    write_tensors(folder / LORA, mean)


def _check_adapters(parts: Sequence[Path], adapters: Sequence[dict[str, Tensor]]) -> None:
    """Check that adapters have the same places and scale, and nothing but B and A.

    Raises:
        InputError: they differ.
    """
    kinds = []
    for part, adapter in zip(parts, adapters, strict=True):
        settings = read_json(part / LORA_SETTINGS)
        scale = settings["lora_alpha"] / settings["r"], bool(settings.get("use_rslora"))
        kinds.append(({key for key in adapter if "lora_A" in key}, scale))
        plain = all("lora_A" in key or "lora_B" in key for key in adapter)
        if not plain or kinds[-1] != kinds[0]:
            raise InputError(
                f"the adapters of {parts[0].name} and {part.name} have no useful mean: they must "
                "be plain LoRA with the same modules and the same scale (lora_alpha / r)"
            )


def _write_changed(
    folder: Path, parts: Sequence[Path], base: TokenEncoder, strength: float
) -> None:
    """Write the mean of the tensors that differ from the base's in any of the parts."""
    import torch

    before = {key: value.cpu() for key, value in base.model.state_dict().items()}
    # Only beside an adapter may a training have changed nothing else.
    alone = [(p / ADAPTER).is_dir() and not (p / CHANGED).exists() for p in parts]
    states = [{} if a else read_tensors(p / CHANGED) for p, a in zip(parts, alone, strict=True)]
    mean: dict[str, Tensor] = {}
    for key in sorted(set().union(*states)):
        values = [state[key] if key in state else before[key] for state in states]
        mean[key] = torch.stack(values).mean(0)
        if key in before and before[key].shape == mean[key].shape:
            mean[key] = torch.lerp(before[key], mean[key], strength)
            continue
        for part, value in zip(parts, values, strict=True):
            cosine = torch.cosine_similarity(values[0].flatten(), value.flatten(), dim=0)
            if value.dim() > 1 and cosine < LEAST_COSINE:
                raise InputError(
                    f"the projections of {parts[0].name} and {part.name} point in different "
                    f"directions (cosine {cosine:.2f}): start both trainings from one teacher "
                    "(start)"
                )
    write_tensors(folder / CHANGED, mean)
