"""A student's weights: which are trained, their start, and their final distance to the teacher."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from optical_core.data.lines import read_json
from optical_core.distill.config import DistillConfig, TrainingConfig
from optical_core.errors import InputError
from optical_core.models.deltas import CHANGED, LORA, LORA_SETTINGS
from optical_core.models.info import is_student, read_pair, student_folder
from optical_core.models.means_file import MEANS
from optical_core.models.pair_store import load_pair
from optical_core.models.pieces import load_pieces, moved_pieces
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.weights import read_tensors

LORA_MODULES = ["query", "key", "value", "dense"]
_MOVES = ".moves.weight"


def select_trainable(student: Any, config: TrainingConfig, *, head: bool = False) -> None:
    """Freeze all parameters but the trained ones, and insert LoRA if that is trained.

    Args:
        student: a MultiVectorEncoder.
        config: says what is trained.
        head: whether to train the modules after the transformer, too: the projection.
    """
    student.requires_grad_(False)
    transformer = student[0].model
    for module in transformer.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = config.dropout
    if head:
        for module in list(student)[1:]:
            module.requires_grad_(True)
    if config.trainable == "lora":
        from peft import LoraConfig, get_peft_model

        # Through PEFT itself: transformers' interface asks for PEFT releases that aren't out yet.
        lora = LoraConfig(
            r=config.lora_rank,
            lora_alpha=2 * config.lora_rank,
            lora_dropout=0.0,
            target_modules=LORA_MODULES,
        )
        student[0].model = get_peft_model(transformer, lora)
    else:
        transformer.requires_grad_(True)
        if getattr(transformer, "pooler", None) is not None:
            transformer.pooler.requires_grad_(False)
        embeddings = transformer.get_input_embeddings()
        if config.trainable == "encoder":
            embeddings.requires_grad_(False)
        else:
            # The clone shares its word embeddings with the teacher, which must not move.
            embeddings.weight = torch.nn.Parameter(embeddings.weight.detach().clone())
    if moved := moved_pieces(student):
        moved.moves.requires_grad_(True)


def start_pieces(student: Any, config: DistillConfig) -> None:
    """Move the word embeddings that the student named by `config.start`, if any, has moved."""
    if config.start:
        load_pieces(student_folder(config.start), student)


def check_no_student(setting: str, name: str) -> None:
    """Check that a setting doesn't name a student where an encoder is wanted.

    Raises:
        InputError: it does.
    """
    if is_student(name):
        raise InputError(
            f"{setting}: {name!r} is a student; an encoder was expected, such as `embedded`, a "
            "teacher of `optical teach` or a folder"
        )


def go_on_from(
    student: Any, config: DistillConfig, teacher: TokenEncoder, backbone: TokenEncoder | None
) -> None:
    """Load the other weights of the student named by `config.start`, where this training begins.

    Raises:
        InputError: it isn't a student, takes means of languages off, or has another teacher,
            backbone or kind of training.
    """
    name = str(config.start)
    before, folder = load_pair(name), student_folder(name)
    if not before.distilled:
        raise InputError(f"start: {name!r} is no student: there is no training to go on from")
    if (folder / MEANS).is_file():
        raise InputError(
            f"start: {name!r} takes the means of languages off, which a training would leave out: "
            "name the model that it was copied from"
        )
    # A student of both sides stands in its teacher's place in the pair.
    if read_pair(folder).teacher_hash != teacher.hash:
        raise InputError(f"start: {config.start!r} has another teacher than {config.teacher!r}")
    if before.backbone != (backbone or teacher).hash:
        raise InputError(f"start: {config.start!r} has another backbone")
    load_trained_delta(student, folder, name, config)


def load_trained_delta(model: Any, folder: Path, name: str, config: TrainingConfig) -> None:
    """Load the weights that an earlier training has saved, to go on with them.

    Args:
        model: ready to be trained, as `select_trainable` leaves it.
        folder: of the student or teacher that was trained.
        name: of it, for messages.
        config: of the training that begins.

    Raises:
        InputError: the earlier training was of another kind, or its LoRA of another rank.
    """
    adapter = folder / LORA
    if adapter.is_file() != (config.trainable == "lora"):
        raise InputError(
            f"start: {name!r} was trained {'with' if adapter.is_file() else 'without'} LoRA: "
            "go on in the same way (--trainable)"
        )
    changed = folder / CHANGED
    if changed.is_file():
        # Not strict: the file has only what differs from the encoder.
        model.load_state_dict(read_tensors(changed), strict=False)
    if config.trainable != "lora":
        return
    from peft import set_peft_model_state_dict

    rank = read_json(folder / LORA_SETTINGS)["r"]
    if rank != config.lora_rank:
        raise InputError(
            f"start: {name!r} has LoRA matrices of rank {rank}, not {config.lora_rank}: go on "
            f"with lora_rank={rank}"
        )
    set_peft_model_state_dict(model[0].model, read_tensors(adapter))


def soften(model: Any, base: TokenEncoder, config: TrainingConfig) -> None:
    """Move a model back towards the encoder before training (WiSE-FT, Wortsman et al. 2022).

    Weights between the two keep more of the encoder's quality in other domains. With LoRA the
    update B A is scaled, which is equivalent. A projection to another size stays as it is.
    """
    before = base.model.state_dict()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            if name.endswith(_MOVES):
                parameter.mul_(config.strength)
            elif config.trainable == "lora":
                if "lora_B" in name:
                    parameter.mul_(config.strength)
            elif name in before and before[name].shape == parameter.shape:
                parameter.lerp_(before[name].to(parameter), 1 - config.strength)
