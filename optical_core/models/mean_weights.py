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
    write_lora_settings,
)
from optical_core.models.pieces import FILE as PIECES
from optical_core.models.pieces import load_pieces, moved_pieces, save_pieces
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.weights import read_tensors, write_tensors

if TYPE_CHECKING:
    from torch import Tensor

LEAST_COSINE = 0.9
"""Of two trainings' projections. If they point in different directions, their mean is useless."""
MOST_LOST = 0.005
"""Share of the mean change's length that may be lost, so that its LoRA rank stays small."""


def write_mean(
    folder: Path, parts: Sequence[Path], base: TokenEncoder, strength: float
) -> int | None:
    """Write the mean of several trainings' weights, each as far from `base` as `strength` says.

    Adapters are multiplied out. Their mean is written as the product of the smallest rank that
    loses no more than MOST_LOST of its length. Where all began with one adapter, that is often
    the rank of one; otherwise it is nearer to the sum of theirs.

    Args:
        folder: where the files are written.
        parts: the trained models' folders.
        base: the encoder that all of them were trained from.
        strength: s in (0, 1]: weights are base + s (mean - base). A projection to another size,
            or beside adapters, stays the mean.

    Returns:
        The rank of the written adapter; None without LoRA.

    Raises:
        InputError: weights are missing or damaged, the trainings are of other kinds, or the
            projections point in different directions.
    """
    with_lora = [part for part in parts if (part / ADAPTER).is_dir()]
    if with_lora and len(with_lora) < len(parts):
        without = next(part for part in parts if part not in with_lora)
        raise InputError(
            f"{with_lora[0].name} was trained with LoRA, {without.name} without: name trainings "
            "of one kind"
        )
    rank = _write_adapter(folder, parts, strength) if with_lora else None
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
    return rank


def _write_adapter(folder: Path, parts: Sequence[Path], strength: float) -> int:
    """Write the mean of the products B A of adapters that are alike but for their rank."""
    import torch

    adapters = [read_tensors(part / LORA) for part in parts]
    downs = _common_modules(parts, adapters)
    ranks = [max(len(adapter[down]) for down in downs) for adapter in adapters]
    factors = {}
    for down in downs:
        up = down.replace("lora_A", "lora_B")
        products = [a[up].float() @ a[down].float() for a in adapters]
        product = torch.stack(products).sum(0) * strength / len(parts)
        left, values, right = torch.linalg.svd(product, full_matrices=False)
        most = sum(ranks)  # the product has no more than that
        factors[down] = left[:, :most], values[:most], right[:most]
    rank = _rank_to_keep([values for _, values, _ in factors.values()], max(ranks), sum(ranks))
    mean: dict[str, Tensor] = {}
    for down, (left, values, right) in factors.items():
        roots = values[:rank].sqrt()
        lacking = rank - len(roots)  # where a layer is narrower than the rank
        pad = torch.nn.functional.pad
        up = down.replace("lora_A", "lora_B")
        mean[up] = pad(left[:, :rank] * roots, (0, lacking)).half().contiguous()
        mean[down] = pad(roots[:, None] * right[:rank], (0, 0, 0, lacking)).half().contiguous()
    shutil.copytree(parts[0] / ADAPTER, folder / ADAPTER)
    settings = read_json(folder / LORA_SETTINGS)
    settings["lora_alpha"] = settings["lora_alpha"] * rank / settings["r"]
    if settings["lora_alpha"].is_integer():
        settings["lora_alpha"] = int(settings["lora_alpha"])
    settings["r"] = rank
    write_lora_settings(folder, settings)
    write_tensors(folder / LORA, mean)
    return rank


def _rank_to_keep(spectra: Sequence[Tensor], least: int, most: int) -> int:
    """Return the smallest rank that loses no more than MOST_LOST of the products' length.

    Args:
        spectra: singular values of each product, falling.
        least: rank to begin with.
        most: rank at which nothing is lost.
    """
    length = sum(float(values.square().sum()) for values in spectra)
    for rank in range(least, most):
        lost = sum(float(values[rank:].square().sum()) for values in spectra)
        if lost <= MOST_LOST**2 * length:
            return rank
    return most


def _common_modules(parts: Sequence[Path], adapters: Sequence[dict[str, Tensor]]) -> list[str]:
    """Return the names of the matrices A that adapters have in common.

    Raises:
        InputError: they differ in their modules or scale, or have more than B and A.
    """
    kinds = []
    for part, adapter in zip(parts, adapters, strict=True):
        settings = read_json(part / LORA_SETTINGS)
        downs = sorted(key for key in adapter if "lora_A" in key)
        kinds.append((downs, settings["lora_alpha"] / settings["r"]))
        plain = all("lora_A" in key or "lora_B" in key for key in adapter)
        other = any(settings.get(key) for key in ("use_rslora", "rank_pattern", "alpha_pattern"))
        if not plain or other or kinds[-1] != kinds[0]:
            raise InputError(
                f"the adapters of {parts[0].name} and {part.name} have no useful mean: they must "
                "be plain LoRA with the same modules and the same scale (lora_alpha / r)"
            )
    return kinds[0][0]


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
