"""A retriever is a pair: a student that encodes queries, a teacher that encodes passages.

What is saved is the pair: which teacher, how the student differs from it, and a card that says
what it was trained on. Passages are the teacher's, so one index serves every student of it.
A student's backbone is the teacher itself, or another encoder that learned the teacher's space.

    retriever.json         format, teacher, backbone, languages, card
    adapter/               LoRA weights (PEFT), or
    changed.safetensors    the tensors in which the student differs from its backbone
    README.md              the card for people
"""

from __future__ import annotations

import copy
import json
import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from optical_core.data.lines import read_json
from optical_core.errors import InputError
from optical_core.models.backbones import EMBEDDED, PACKAGED, projection_module
from optical_core.models.embedded import embedded_folder
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.weights import read_tensors, write_tensors
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
    backbone: str | None = None
    """Encoder that the student was trained from; None for the teacher."""
    backbone_hash: str | None = None
    card: ModelCard


@dataclass(frozen=True, eq=False)
class Retriever:
    """A teacher-student pair. `student is teacher` for an undistilled encoder.

    `backbone` is the hash of the encoder that the student was trained from.
    """

    name: str
    teacher: TokenEncoder
    student: TokenEncoder
    card: ModelCard
    backbone: str | None = None

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
    entries = [
        ModelEntry(name, "encoder", packaged.languages, False)
        for name, packaged in PACKAGED.items()
        if packaged.is_installed()
    ]
    folders = sorted(assets("students").glob("[!.]*/retriever.json"))
    folders += sorted(home("models", "x").parent.glob("[!.]*/retriever.json"))
    for index, path in enumerate(folders):
        try:
            languages = _info(path.parent, path.stat().st_mtime_ns).card.languages
        except (InputError, OSError) as error:
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
        encoder = open_shared(name_or_path, device=device)
        return Retriever(name_or_path, encoder, encoder, ModelCard(summary="undistilled"))
    info = read_info(folder)
    teacher = _part(folder, "teacher", info.teacher, info.teacher_hash, info.name, device)
    base = teacher
    if info.backbone and info.backbone_hash:
        base = _part(folder, "backbone", info.backbone, info.backbone_hash, info.name, device)
        base = with_projection(base, teacher.dimension)
    student = load_student(folder, base, info.name)
    return Retriever(info.name, teacher, student, info.card, info.backbone_hash or teacher.hash)


def _part(
    folder: Path, role: str, name: str, wanted: str, student: str, device: str | None
) -> TokenEncoder:
    """A pair's teacher or backbone: saved along, or known by name."""
    own = folder / role
    encoder = open_shared(str(own) if own.is_dir() else name, device=device)
    encoder.name = name
    if encoder.hash != wanted:
        raise InputError(
            f"student {student} was trained with another version of the {role} {name} "
            f"(hash {wanted}, here {encoder.hash}); train it again"
        )
    return encoder


def open_shared(name_or_path: str, *, device: str | None = None) -> TokenEncoder:
    """Open an encoder; the embedded one is kept, and the same object for all who ask for it.

    Raises InputError as `TokenEncoder.load` does.
    """
    if name_or_path == EMBEDDED:
        return _embedded(str(embedded_folder()), device)
    return TokenEncoder.load(name_or_path, device=device)


@lru_cache(maxsize=1)
def _embedded(folder: str, device: str | None) -> TokenEncoder:
    """Half a gigabyte that students, trainings and measurements of a process share."""
    return TokenEncoder.load(EMBEDDED, device=device)


def with_projection(encoder: TokenEncoder, dimension: int) -> TokenEncoder:
    """A copy of an encoder whose last step before unit length is linear, to `dimension`.

    One that the encoder has already stays as it is; else the identity is put in.
    Raises InputError where the encoder's vectors have another size.
    """
    import torch
    from sentence_transformers.base.modules import Dense

    if encoder.dimension != dimension:
        raise InputError(
            f"backbone {encoder.name} has vectors of {encoder.dimension} dimensions, the teacher "
            f"of {dimension}: they must be as many"
        )
    model = clone_model(encoder)
    if not any(isinstance(module, Dense) for module in model):
        layer = projection_module(torch.eye(dimension), torch.zeros(dimension))
        model.insert(len(model) - 1, layer.to(model.device))
    return TokenEncoder(model, name=encoder.name)


def load_student(folder: Path, base: TokenEncoder, name: str) -> TokenEncoder:
    """The backbone's modules with the student's weights in place; word embeddings are shared."""
    model = clone_model(base)
    transformer: Any = model[0]
    try:
        if (folder / "adapter").is_dir():
            from peft import PeftModel

            # Where there is none, PEFT would look for a pickle, and then ask the hub.
            read_tensors(folder / "adapter" / "adapter_model.safetensors")
            adapted = PeftModel.from_pretrained(transformer.model, str(folder / "adapter"))
            transformer.model = adapted.merge_and_unload()
        else:
            changed = read_tensors(folder / "changed.safetensors")
            embeddings = transformer.model.get_input_embeddings().weight
            if any(changed.keys() & {n for n, p in model.named_parameters() if p is embeddings}):
                model = copy.deepcopy(base.model)  # nothing may be shared with the backbone
            missing = model.load_state_dict(changed, strict=False).unexpected_keys
            if missing:
                raise InputError(f"{folder}: its tensor {missing[0]} is unknown to its backbone")
    except InputError:
        raise
    except Exception as error:  # PEFT and torch raise many kinds for what doesn't fit
        reason = " ".join(str(error).split())
        raise InputError(f"the student in {folder} can't be read: {reason}") from error
    return TokenEncoder(model, name=name)


def clone_model(encoder: TokenEncoder) -> Any:
    """A copy of an encoder's modules; the word embeddings, which stay frozen, are shared."""
    transformer: Any = encoder.model[0].model
    embeddings = transformer.get_input_embeddings()
    return copy.deepcopy(encoder.model, {id(embeddings.weight): embeddings.weight})


def save_retriever(
    folder: Path,
    *,
    name: str,
    teacher: TokenEncoder,
    student_model: Any,
    card: ModelCard,
    backbone: TokenEncoder | None = None,
) -> None:
    """Save a pair, whole or not at all.

    `student_model` is the trained MultiVectorEncoder: with a PEFT adapter that is saved as one
    (fp16), else the tensors that differ from its backbone's are (the teacher's by default). A
    teacher or backbone that is a folder of this machine is saved along.
    """
    import torch

    parts = {"teacher": teacher} | ({"backbone": backbone} if backbone else {})
    own = {r: e for r, e in parts.items() if e.name not in PACKAGED and Path(e.name).exists()}
    named = {role: role if role in own else encoder.name for role, encoder in parts.items()}
    info = PairInfo(
        name=name,
        teacher=named["teacher"],
        teacher_hash=teacher.hash,
        backbone=named.get("backbone"),
        backbone_hash=backbone.hash if backbone else None,
        card=card,
    )
    inner = student_model[0].model
    with replace_folder(folder) as temporary:
        if hasattr(inner, "peft_config"):
            _save_adapter(inner, temporary / "adapter")
        else:
            before = (backbone or teacher).model.state_dict()
            changed = {
                key: value.detach().cpu().contiguous()
                for key, value in student_model.state_dict().items()
                if key not in before or not torch.equal(value.cpu(), before[key].cpu())
            }
            write_tensors(temporary / "changed.safetensors", changed)
        for role, encoder in own.items():
            encoder.model.save(str(temporary / role))
        text = json.dumps(info.model_dump(exclude_none=True), indent=2, ensure_ascii=False) + "\n"
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
        *([f"- Backbone (queries): `{info.backbone}`"] if info.backbone else []),
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
    model.save_pretrained(str(folder), safe_serialization=True)
    weights = folder / "adapter_model.safetensors"
    half = {key: value.half() for key, value in read_tensors(weights).items()}
    write_tensors(weights, half)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = None
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    (folder / "README.md").unlink(missing_ok=True)


@lru_cache(maxsize=1024)
def _info(folder: Path, stamp: int) -> PairInfo:
    """`read_info`, read again when the file's time of change is another."""
    return read_info(folder)


def read_info(folder: Path) -> PairInfo:
    """What a student's retriever.json says. Raises InputError: damaged, or of another format."""
    try:
        info = PairInfo.model_validate(read_json(folder / "retriever.json"))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{folder / 'retriever.json'}: {field}: {first['msg'].lower()}") from error
    if info.format != FORMAT:
        newer = "update the package" if info.format > FORMAT else "train the student again"
        raise InputError(f"{folder} has format {info.format}, this version reads {FORMAT}; {newer}")
    return info
