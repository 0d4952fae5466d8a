"""Pairs of encoders on disk: which teacher, how the student differs from it, and a card.

A student's backbone is the teacher itself, or another encoder that learned the teacher's space.

    retriever.json         format, teacher, backbone, languages, card, checksums of the other files
    adapter/               LoRA weights (PEFT), or
    changed.safetensors    the tensors in which the student differs from its backbone
    lexicons/<code>.tsv    its lexicons, if it has any
    README.md              the card for people
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field

from optical_core.checksums import check_files, checksums
from optical_core.data.lexicons import Lexicon, lexicons_of, write_lexicon
from optical_core.errors import InputError
from optical_core.models.backbones import PACKAGED
from optical_core.models.cards import ModelCard
from optical_core.models.deltas import load_delta, save_delta, with_projection
from optical_core.models.info import ModelInfo, read_info
from optical_core.models.pair import EncoderPair
from optical_core.models.teachers import open_shared
from optical_core.models.token_encoder import TokenEncoder
from optical_core.storage import assets, check_path, home, replace_folder

logger = logging.getLogger(__name__)

FILE = "retriever.json"
LEXICONS = "lexicons"


class PairInfo(ModelInfo):
    """Content of retriever.json."""

    name: str
    teacher: str
    teacher_hash: str
    backbone: str | None = None
    """Encoder that the student was trained from; None for the teacher."""
    backbone_hash: str | None = None
    card: ModelCard
    files: dict[str, str] = Field(default_factory=dict)
    """Checksums of the folder's other files; none of a student that an older version saved."""


def student_folders() -> list[Path]:
    """The folder of every student, the shipped ones first; those that can't be read among them."""
    shipped = sorted(assets("students").glob(f"[!.]*/{FILE}"))
    trained = sorted(home("models", "x").parent.glob(f"[!.]*/{FILE}"))
    return [path.parent for path in (*shipped, *trained)]


def student_folder(name_or_path: str) -> Path:
    """A student's folder by its name; of a name that none has, the folder of that path."""
    named = {folder.name: folder for folder in student_folders()}
    return named.get(name_or_path, Path(name_or_path))


def load_pair(name_or_path: str, *, device: str | None = None) -> EncoderPair:
    """Load a pair by name or folder; an encoder's name or folder gives it undistilled.

    Raises:
        InputError: an unknown name, a damaged folder, or another teacher than it was trained with.

    Examples:
        >>> pair = load_pair("optical-lowres")  # doctest: +SKIP
        >>> pair.student.encode_queries(["Kwa nini bahari ina chumvi?"])  # doctest: +SKIP
    """
    check_path(name_or_path)
    folder = student_folder(name_or_path)
    if not (folder / FILE).is_file():
        return EncoderPair.undistilled(open_shared(name_or_path, device=device))
    info = read_pair(folder)
    check_files(folder, info.files)
    if not info.files:
        _warn_of_no_checksums(folder)
    teacher = _part(folder, "teacher", info.teacher, info.teacher_hash, info.name, device)
    base = teacher
    if info.backbone and info.backbone_hash:
        base = _part(folder, "backbone", info.backbone, info.backbone_hash, info.name, device)
        base = with_projection(base, teacher.dimension)
    student = load_student(folder, base, info.name)
    return EncoderPair(
        info.name,
        teacher,
        student,
        info.card,
        info.backbone_hash or teacher.hash,
        lexicons_of(folder / LEXICONS),
    )


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


def save_pair(
    folder: Path,
    *,
    name: str,
    teacher: TokenEncoder,
    student_model: Any,
    card: ModelCard,
    backbone: TokenEncoder | None = None,
    lexicons: Mapping[str, Lexicon] | None = None,
) -> None:
    """Save a pair, whole or not at all.

    Args:
        folder: what is made; one that exists is replaced.
        name: of the pair.
        teacher: saved along where it is a folder of this machine, else by its name.
        student_model: the trained MultiVectorEncoder. A PEFT adapter is saved as one (fp16), else
            the tensors that differ from its backbone's are.
        card: what it was trained on.
        backbone: what the student was trained from, saved as the teacher is; None for the teacher.
        lexicons: by language, for the glosses of its queries.
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
        for code, lexicon in (lexicons or {}).items():
            write_lexicon(temporary / LEXICONS / f"{code}.tsv", lexicon)
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


def read_pair(folder: Path) -> PairInfo:
    """What a student's retriever.json says. Raises InputError: damaged, or of another format."""
    return read_info(PairInfo, folder / FILE, again="train the student again")
