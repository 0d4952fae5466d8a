"""A trained encoder on disk: its difference from the encoder that its training started from.

adapter/               LoRA weights (PEFT, fp16),
pieces.safetensors     what was added to the word embeddings of some pieces (see `pieces`), and
changed.safetensors    the tensors that have changed; absent if only LoRA was trained
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optical_core.errors import InputError
from optical_core.models.backbones import projection_module
from optical_core.models.pieces import load_pieces, moved_pieces, save_pieces, state_besides
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.weights import read_tensors, write_tensors

if TYPE_CHECKING:
    from torch import Tensor

ADAPTER = "adapter"
LORA = f"{ADAPTER}/adapter_model.safetensors"
"""The adapter's matrices."""
LORA_SETTINGS = f"{ADAPTER}/adapter_config.json"
"""PEFT's settings of the adapter."""
CHANGED = "changed.safetensors"


def clone_model(encoder: TokenEncoder) -> Any:
    """Copy an encoder's modules; the word embeddings, which stay frozen, are shared."""
    transformer: Any = encoder.model[0].model
    embeddings = transformer.get_input_embeddings()
    return copy.deepcopy(encoder.model, {id(embeddings.weight): embeddings.weight})


def save_delta(folder: Path, model: Any, base: TokenEncoder) -> None:
    """Write how a trained MultiVectorEncoder differs from `base`."""
    import torch

    inner = model[0].model
    state = state_besides(model)
    if moved := moved_pieces(model):
        save_pieces(folder, moved)
    if hasattr(inner, "peft_config"):
        _save_adapter(inner, folder)
        state = {key: value for key, value in state.items() if not key.startswith("0.")}
    before = base.model.state_dict()
    changed = {
        key: value.detach().cpu().contiguous()
        for key, value in state.items()
        if key not in before or not torch.equal(value.cpu(), before[key].cpu())
    }
    if changed or not (folder / ADAPTER).is_dir():
        write_tensors(folder / CHANGED, changed)


def has_delta(folder: Path) -> bool:
    """Whether a folder has weights that differ from an encoder's."""
    return (folder / ADAPTER).is_dir() or (folder / CHANGED).is_file()


def load_delta(folder: Path, base: TokenEncoder) -> Any:
    """Put a folder's weights into a copy of `base`'s modules; word embeddings are shared.

    Raises:
        InputError: the weights are missing or damaged, or don't fit.
    """
    model = clone_model(base)
    transformer: Any = model[0]
    try:
        if (folder / ADAPTER).is_dir():
            from peft import PeftModel

            # If the file is missing, PEFT would look for a pickle and then ask the hub.
            read_tensors(folder / LORA)
            adapted = PeftModel.from_pretrained(transformer.model, str(folder / ADAPTER))
            transformer.model = adapted.merge_and_unload()
            if not (folder / CHANGED).exists():
                load_pieces(folder, model)
                return model
        changed = read_tensors(folder / CHANGED)
        embeddings = transformer.model.get_input_embeddings().weight
        if any(changed.keys() & {n for n, p in model.named_parameters() if p is embeddings}):
            model = copy.deepcopy(base.model)  # nothing may be shared with the base
        missing = model.load_state_dict(changed, strict=False).unexpected_keys
        if missing:
            raise InputError(f"{folder}: its tensor {missing[0]} is unknown to its backbone")
        load_pieces(folder, model)
    except InputError:
        raise
    except Exception as error:  # PEFT and torch raise many kinds for weights that don't fit
        reason = " ".join(str(error).split())
        raise InputError(f"the student in {folder} can't be read: {reason}") from error
    return model


def with_projection(encoder: TokenEncoder, dimension: int) -> TokenEncoder:
    """Copy an encoder and let its last step before unit length be linear, to `dimension`.

    If its last step is linear already, it is kept; else the identity is inserted.

    Raises:
        InputError: the encoder's vectors have another size.
    """
    if encoder.dimension != dimension:
        raise InputError(
            f"backbone {encoder.name} has vectors of {encoder.dimension} dimensions, the teacher "
            f"of {dimension}: they must be as many"
        )
    return resized(encoder, dimension)


def resized(encoder: TokenEncoder, dimension: int, matrix: Tensor | None = None) -> TokenEncoder:
    """Copy an encoder and project its vectors to `dimension` before they get unit length.

    Args:
        encoder: d wide.
        dimension: of the copy's vectors.
        matrix: (dimension, d), applied after the encoder's own projection; by default it keeps the
            first dimensions.
    """
    import torch
    from sentence_transformers.base.modules import Dense, Normalize

    model = clone_model(encoder)
    width = encoder.dimension
    matrix = torch.eye(dimension, width) if matrix is None else matrix.float().cpu()
    bias = torch.zeros(dimension)
    places = [place for place, module in enumerate(model) if isinstance(module, Dense)]
    if places and isinstance(model[places[-1]].activation_function, torch.nn.Identity):
        linear = model[places[-1]].linear
        if linear.bias is not None:
            bias = matrix @ linear.bias.detach().cpu()
        matrix = matrix @ linear.weight.detach().cpu()
        model[places[-1]] = projection_module(matrix, bias).to(model.device)
    else:
        ends = [place for place, module in enumerate(model) if isinstance(module, Normalize)]
        place = ends[-1] if ends else len(model)
        model.insert(place, projection_module(matrix, bias).to(model.device))
    return TokenEncoder(model, name=encoder.name)


def write_lora_settings(folder: Path, settings: dict[str, Any]) -> None:
    """Write PEFT's settings of the adapter in a model's folder."""
    text = json.dumps(settings, indent=2, sort_keys=True) + "\n"
    (folder / LORA_SETTINGS).write_text(text)


def _save_adapter(model: Any, folder: Path) -> None:
    """Write PEFT's own form in fp16, without paths of this machine."""
    model.save_pretrained(str(folder / ADAPTER), safe_serialization=True)
    half = {key: value.half() for key, value in read_tensors(folder / LORA).items()}
    write_tensors(folder / LORA, half)
    config = json.loads((folder / LORA_SETTINGS).read_text())
    config["base_model_name_or_path"] = None
    # PEFT writes its sets in an order that differs between processes.
    settings = vars(model.active_peft_config)
    config |= {key: sorted(value) for key, value in settings.items() if isinstance(value, set)}
    write_lora_settings(folder, config)
    (folder / ADAPTER / "README.md").unlink(missing_ok=True)
