"""Saved models as their JSON files describe them: `retriever.json` and `teacher.json`.

Nothing here opens weights, so that models can be listed in a moment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from optical_core.checksums import checksums
from optical_core.data.lines import read_json
from optical_core.errors import InputError
from optical_core.models.cards import ModelCard
from optical_core.storage import assets, home
from optical_core.validation import validated

FORMAT = 1
PAIR_FILE = "retriever.json"
TEACHER_FILE = "teacher.json"
LEXICONS = "lexicons"
"""Folder of a student's lexicons."""
Info = TypeVar("Info", bound="ModelInfo")


class ModelInfo(BaseModel):
    """The part that every such file has: its format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT


def read_info(kind: type[Info], path: Path, *, again: str) -> Info:
    """Read a model's file.

    Args:
        kind: of the content.
        path: the file.
        again: advice for an older format, such as "teach it again".

    Raises:
        InputError: the file is damaged, or of another format.
    """
    info = validated(kind, read_json(path), str(path))
    if info.format != FORMAT:
        advice = "update the package" if info.format > FORMAT else again
        raise InputError(
            f"{path.parent} has format {info.format}, this version reads {FORMAT}; {advice}"
        )
    return info


def checksums_of_model(folder: Path) -> dict[str, str]:
    """Checksums of a model's files, without what describes it: name -> SHA-256, in order."""
    return {
        name: digest
        for name, digest in checksums(folder).items()
        if name not in (PAIR_FILE, TEACHER_FILE) and not name.endswith(("README.md", "record.json"))
    }


def check_free(folder: Path) -> None:
    """Check that no model is in a new one's folder, and that no training will write one there.

    Raises:
        InputError: there is one.
    """
    if folder.exists():
        raise InputError(f"a model {folder.name!r} exists in {folder}; choose another name")
    if folder.parent == home("models", "x").parent and home("runs", folder.name).exists():
        raise InputError(f"a training {folder.name!r} exists; choose another name")


class PairInfo(ModelInfo):
    """Content of retriever.json."""

    name: str
    teacher: str
    teacher_hash: str
    backbone: str | None = None
    """Encoder that the student's training started from; None for the teacher."""
    backbone_hash: str | None = None
    passages: Literal["student"] | None = None
    """Who encodes passages; None for the teacher."""
    card: ModelCard
    unfamiliar: tuple[str, ...] | None = None
    """Languages of its lexicons that the student hardly knows; None without any."""
    files: dict[str, str] = Field(default_factory=dict)
    """Checksums of the folder's other files; empty for a student that an older version saved."""


def student_folders() -> list[Path]:
    """List the folders of all students, shipped ones first, also those that can't be read."""
    return _folders("students", PAIR_FILE)


def student_folder(name_or_path: str) -> Path:
    """Find a student's folder by its name; if no student has the name, it is a path."""
    named = {folder.name: folder for folder in student_folders()}
    return named.get(name_or_path, Path(name_or_path))


def is_student(name_or_path: str) -> bool:
    """Tell whether a student has the name, or is in the folder."""
    return (student_folder(name_or_path) / PAIR_FILE).is_file()


def read_pair(folder: Path) -> PairInfo:
    """Read a student's retriever.json.

    Raises:
        InputError: the file is damaged, or of another format.
    """
    return read_info(PairInfo, folder / PAIR_FILE, again="train the student again")


class TeacherInfo(ModelInfo):
    """Content of teacher.json."""

    name: str
    base: str
    base_hash: str
    dimension: int = Field(ge=1)
    hash: str
    """Of the encoder, where it was taught."""
    card: ModelCard
    files: dict[str, str] = Field(default_factory=dict)
    """Checksums of the folder's other files; empty for a teacher that an older version saved."""


def teacher_folders() -> list[Path]:
    """List the folders of all teachers, shipped ones first, also those that can't be read."""
    return _folders("teachers", TEACHER_FILE)


def _folders(kind: str, file: str) -> list[Path]:
    """List the folders with such a file: those in assets/<kind>, then those of this machine."""
    shipped = sorted(assets(kind).glob(f"[!.]*/{file}"))
    own = sorted(home("models", "x").parent.glob(f"[!.]*/{file}"))
    return [path.parent for path in (*shipped, *own)]


def read_teacher(folder: Path) -> TeacherInfo:
    """Read a teacher's teacher.json.

    Raises:
        InputError: the file is damaged, or of another format.
    """
    return read_info(TeacherInfo, folder / TEACHER_FILE, again="teach it again")
