"""A retriever is a pair: a student that encodes queries, a teacher that encodes passages.

What is saved is the pair: which teacher, how the student differs from it, and a card that says
what it was trained on. Passages are the teacher's, so one index serves every student of it.

    retriever.json         format, teacher, languages, card
    adapter/               LoRA weights (PEFT), or
    changed.safetensors    the tensors in which the student differs from the teacher
    README.md              the card for people
"""

from __future__ import annotations

import copy
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from optical_core.data.lines import read_json
from optical_core.errors import InputError
from optical_core.models.backbones import EMBEDDED
from optical_core.models.token_encoder import TokenEncoder
from optical_core.storage import assets, home, replace_folder

logger = logging.getLogger(__name__)

FORMAT = 1


class ModelCard(BaseModel):
    """What a student is, for people and programs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    summary: str = ""
    languages: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    licence: str = "unknown"
    recipe: dict[str, Any] = Field(default_factory=dict)
    figures: dict[str, Any] = Field(default_factory=dict)


class PairInfo(BaseModel):
    """Content of retriever.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    name: str
    teacher: str
    teacher_hash: str
    card: ModelCard


@dataclass(frozen=True, eq=False)
class Retriever:
    """A teacher-student pair. `student is teacher` for an undistilled encoder."""

    name: str
    teacher: TokenEncoder
    student: TokenEncoder
    card: ModelCard

    @property
    def distilled(self) -> bool:
        return self.student is not self.teacher


@dataclass(frozen=True)
class ModelEntry:
    """A line of `optical models`."""

    name: str
    kind: str
    languages: tuple[str, ...]
    default: bool
    folder: Path | None = None


def list_models() -> list[ModelEntry]:
    """Every model known by name: the embedded encoder, students shipped and trained, BM25."""
    entries = [ModelEntry(EMBEDDED, "encoder", (), False)]
    folders = sorted(assets("students").glob("*/retriever.json"))
    folders += sorted(home("models", "x").parent.glob("*/retriever.json"))
    for index, path in enumerate(folders):
        try:
            languages = _read_info(path.parent).card.languages
        except InputError as error:
            logger.warning("left out: %s", error)
            continue
        entries.append(ModelEntry(path.parent.name, "student", languages, index == 0, path.parent))
    entries.append(ModelEntry("bm25", "baseline", (), False))
    return entries


def load_retriever(name_or_path: str, *, device: str | None = None) -> Retriever:
    """Load a pair by name or folder; an encoder's name or folder gives it undistilled.

    Raises InputError for an unknown name, a damaged folder, or another teacher than it was
    trained with.
    """
    known = {entry.name: entry.folder for entry in list_models() if entry.folder}
    folder = known.get(name_or_path, Path(name_or_path))
    if not (folder / "retriever.json").is_file():
        encoder = _open(name_or_path, device)
        return Retriever(name_or_path, encoder, encoder, ModelCard(summary="undistilled"))
    info = _read_info(folder)
    own = folder / "teacher"
    teacher = _open(str(own) if own.is_dir() else info.teacher, device)
    teacher.name = info.teacher
    if teacher.hash != info.teacher_hash:
        raise InputError(
            f"student {info.name} was trained with another version of the teacher {info.teacher} "
            f"(hash {info.teacher_hash}, here {teacher.hash}); train it again"
        )
    return Retriever(info.name, teacher, load_student(folder, teacher, info.name), info.card)


_SHARED: WeakValueDictionary[str | None, TokenEncoder] = WeakValueDictionary()
"""The embedded encoder by device, while anyone holds it: half a gigabyte that students share."""


def _open(name_or_path: str, device: str | None) -> TokenEncoder:
    if name_or_path != EMBEDDED:
        return TokenEncoder.load(name_or_path, device=device)
    encoder = _SHARED.get(device)
    if encoder is None:
        encoder = _SHARED[device] = TokenEncoder.load(name_or_path, device=device)
    return encoder


def load_student(folder: Path, teacher: TokenEncoder, name: str) -> TokenEncoder:
    """The teacher's modules with the student's weights in place; word embeddings are shared."""
    model = clone_model(teacher)
    transformer: Any = model[0]
    try:
        if (folder / "adapter").is_dir():
            from peft import PeftModel

            adapted = PeftModel.from_pretrained(transformer.model, str(folder / "adapter"))
            transformer.model = adapted.merge_and_unload()
        else:
            from safetensors.torch import load_file

            changed = load_file(folder / "changed.safetensors")
            embeddings = transformer.model.get_input_embeddings().weight
            if any(changed.keys() & {n for n, p in model.named_parameters() if p is embeddings}):
                model = copy.deepcopy(teacher.model)  # nothing may be shared with the teacher
            missing = model.load_state_dict(changed, strict=False).unexpected_keys
            if missing:
                raise InputError(f"{folder}: its tensor {missing[0]} is unknown to the teacher")
    except InputError:
        raise
    except Exception as error:  # safetensors and PEFT raise many kinds for a damaged file
        raise InputError(f"the student in {folder} can't be read: {error}") from error
    return TokenEncoder(model, name=name)


def clone_model(encoder: TokenEncoder) -> Any:
    """A copy of an encoder's modules; the word embeddings, which stay frozen, are shared."""
    transformer: Any = encoder.model[0].model
    embeddings = transformer.get_input_embeddings()
    return copy.deepcopy(encoder.model, {id(embeddings.weight): embeddings.weight})


def save_retriever(
    folder: Path, *, name: str, teacher: TokenEncoder, student_model: Any, card: ModelCard
) -> None:
    """Save a pair, whole or not at all.

    `student_model` is the trained MultiVectorEncoder: with a PEFT adapter that is saved as one
    (fp16), else the tensors that differ from the teacher's are. A teacher that is neither
    `embedded` nor a hub name is saved along.
    """
    import torch
    from safetensors.torch import save_file

    own_teacher = teacher.name != EMBEDDED and Path(teacher.name).exists()
    info = PairInfo(
        name=name,
        teacher="teacher" if own_teacher else teacher.name,
        teacher_hash=teacher.hash,
        card=card,
    )
    inner = student_model[0].model
    with replace_folder(folder) as temporary:
        if hasattr(inner, "peft_config"):
            _save_adapter(inner, temporary / "adapter")
        else:
            before = teacher.model.state_dict()
            changed = {
                key: value.detach().cpu().contiguous()
                for key, value in student_model.state_dict().items()
                if not torch.equal(value.cpu(), before[key].cpu())
            }
            save_file(changed, temporary / "changed.safetensors", metadata={"format": "pt"})
        if own_teacher:
            teacher.model.save(str(temporary / "teacher"))
        text = json.dumps(info.model_dump(), indent=2, ensure_ascii=False) + "\n"
        (temporary / "retriever.json").write_text(text, encoding="utf-8")
        (temporary / "README.md").write_text(card_text(info), encoding="utf-8")


def card_text(info: PairInfo) -> str:
    """The card as Markdown."""
    card = info.card
    lines = [
        f"# {info.name}",
        "",
        card.summary or "A query encoder trained by OPTICAL distillation.",
        "",
        f"- Teacher (passages): `{info.teacher}`, hash {info.teacher_hash}",
        f"- Query languages: {', '.join(card.languages) or 'not stated'}",
        f"- Training data: {'; '.join(card.data) or 'not stated'}",
        f"- Licence: {card.licence}",
        "",
        "## Recipe",
        "",
        *[f"- {key}: {value}" for key, value in card.recipe.items()],
    ]
    if card.figures:
        figures = [f"- {key}: {value}" for key, value in card.figures.items()]
        lines += ["", "## Figures", "", *figures]
    return "\n".join(lines) + "\n"


def _save_adapter(model: Any, folder: Path) -> None:
    """PEFT's own form in fp16, without paths of this machine in it."""
    from safetensors.torch import load_file, save_file

    model.save_pretrained(str(folder), safe_serialization=True)
    weights = folder / "adapter_model.safetensors"
    half = {key: value.half() for key, value in load_file(weights).items()}
    save_file(half, weights, metadata={"format": "pt"})
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = None
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    (folder / "README.md").unlink(missing_ok=True)


def _read_info(folder: Path) -> PairInfo:
    try:
        info = PairInfo.model_validate(read_json(folder / "retriever.json"))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{folder / 'retriever.json'}: {field}: {first['msg'].lower()}") from error
    if info.format != FORMAT:
        raise InputError(
            f"{folder} has format {info.format}, this version reads {FORMAT}; update the package"
        )
    return info
