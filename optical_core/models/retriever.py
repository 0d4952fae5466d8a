"""A retriever is a pair: a student that encodes queries, a teacher that encodes passages.

What is saved is the pair: which teacher, how the student differs from it, and a card that says
what it was trained on. Passages are the teacher's, so one index serves every student of it.
A student's backbone is the teacher itself, or another encoder that learned the teacher's space.

    retriever.json         format, teacher, backbone, languages, card, checksums of the other files
    adapter/               LoRA weights (PEFT), or
    changed.safetensors    the tensors in which the student differs from its backbone
    README.md              the card for people
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from optical_core.checksums import check_files, checksums
from optical_core.data.lines import read_json
from optical_core.errors import InputError
from optical_core.models.backbones import PACKAGED
from optical_core.models.cards import ModelCard
from optical_core.models.deltas import load_delta, save_delta, with_projection
from optical_core.models.teachers import FILE as TEACHER_FILE
from optical_core.models.teachers import open_shared, read_teacher
from optical_core.models.token_encoder import TokenEncoder
from optical_core.storage import assets, check_path, home, replace_folder
from optical_core.validation import first_problem

logger = logging.getLogger(__name__)

FORMAT = 1
FILE = "retriever.json"


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
    files: dict[str, str] = Field(default_factory=dict)
    """Checksums of the folder's other files; none of a student that an older version saved."""


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
    """Every model known by name: encoders, teachers, students shipped and trained, BM25."""
    entries = [
        ModelEntry(name, "encoder", packaged.languages, False)
        for name, packaged in PACKAGED.items()
        if packaged.is_installed()
    ]
    for index, path in enumerate(_students()):
        try:
            languages = _info(path.parent, path.stat().st_mtime_ns).card.languages
        except (InputError, OSError) as error:
            logger.warning("left out: %s", error)
            continue
        entries.append(ModelEntry(path.parent.name, "student", languages, index == 0, path.parent))
    for path in sorted(home("models", "x").parent.glob(f"[!.]*/{TEACHER_FILE}")):
        try:
            languages = read_teacher(path.parent).card.languages
        except InputError as error:
            logger.warning("left out: %s", error)
            continue
        entries.append(ModelEntry(path.parent.name, "teacher", languages, False, path.parent))
    entries.append(ModelEntry("bm25", "baseline", (), False))
    return entries


def _students() -> list[Path]:
    """The retriever.json of every student, those that can't be read among them."""
    shipped = sorted(assets("students").glob(f"[!.]*/{FILE}"))
    return shipped + sorted(home("models", "x").parent.glob(f"[!.]*/{FILE}"))


def load_retriever(name_or_path: str, *, device: str | None = None) -> Retriever:
    """Load a pair by name or folder; an encoder's name or folder gives it undistilled.

    Raises InputError for an unknown name, a damaged folder, or another teacher than it was
    trained with.
    """
    check_path(name_or_path)
    named = {path.parent.name: path.parent for path in _students()}
    folder = named.get(name_or_path, Path(name_or_path))
    if not (folder / FILE).is_file():
        encoder = open_shared(name_or_path, device=device)
        return Retriever(name_or_path, encoder, encoder, ModelCard(summary="undistilled"))
    info = read_info(folder)
    check_files(folder, info.files)
    if not info.files:
        _warn_of_no_checksums(folder)
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
    try:
        encoder = open_shared(str(own) if own.is_dir() else name, device=device)
    except InputError as error:
        raise InputError(
            f"the {role} that {folder / FILE} names can't be opened, or that file is damaged: "
            f"{error}"
        ) from error
    encoder.name = name
    if encoder.hash != wanted:
        raise InputError(
            f"student {student} was trained with another version of the {role} {name} "
            f"(hash {wanted}, here {encoder.hash}); train it again"
        )
    return encoder


@lru_cache(maxsize=1024)
def _warn_of_no_checksums(folder: Path) -> None:
    """Once a process."""
    logger.warning("%s has no checksums: damage to its files would go unnoticed", folder / FILE)


def load_student(folder: Path, base: TokenEncoder, name: str) -> TokenEncoder:
    """The backbone's modules with the student's weights in place; word embeddings are shared."""
    return TokenEncoder(load_delta(folder, base), name=name)


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
    with replace_folder(folder) as temporary:
        save_delta(temporary, student_model, backbone or teacher)
        for role, encoder in own.items():
            encoder.model.save(str(temporary / role))
        files = checksums(temporary)
        cards = {name for name in files if name.endswith("README.md")}  # anyone may change those
        info = info.model_copy(
            update={"files": {n: files[n] for n in sorted(files.keys() - cards)}}
        )
        text = json.dumps(info.model_dump(exclude_none=True), indent=2, ensure_ascii=False) + "\n"
        (temporary / FILE).write_text(text, encoding="utf-8")
        (temporary / "README.md").write_text(card_text(info), encoding="utf-8")


def card_text(info: PairInfo) -> str:
    """The card as Markdown."""
    facts = [f"Teacher (passages): `{info.teacher}`, hash {info.teacher_hash}"]
    facts += [f"Backbone (queries): `{info.backbone}`"] if info.backbone else []
    return info.card.text(info.name, facts, kind="A query encoder trained by OPTICAL distillation.")


@lru_cache(maxsize=1024)
def _info(folder: Path, stamp: int) -> PairInfo:
    """`read_info`, read again when the file's time of change is another."""
    return read_info(folder)


def read_info(folder: Path) -> PairInfo:
    """What a student's retriever.json says. Raises InputError: damaged, or of another format."""
    try:
        info = PairInfo.model_validate(read_json(folder / FILE))
    except ValidationError as error:
        raise InputError(f"{folder / FILE}: {first_problem(error)}") from error
    if info.format != FORMAT:
        newer = "update the package" if info.format > FORMAT else "train the student again"
        raise InputError(f"{folder} has format {info.format}, this version reads {FORMAT}; {newer}")
    return info
