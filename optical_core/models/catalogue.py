"""All models that have a name on this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from optical_core.errors import InputError
from optical_core.models.backbones import PACKAGED
from optical_core.models.fusions import fusion_files, read_fusion
from optical_core.models.info import (
    PAIR_FILE,
    TEACHER_FILE,
    read_pair,
    read_teacher,
    student_folders,
    teacher_folders,
)

logger = logging.getLogger(__name__)

_BASELINES = ("bm25", "bm25-stem", "bm25-stop", "bm25-stem-stop")


@dataclass(frozen=True)
class ModelEntry:
    """A line of `optical models`.

    Attributes:
        name: of the model.
        kind: `encoder`, `student`, `teacher`, `fusion` or `baseline`.
        languages: that it was trained on; empty for any.
        default: whether it is used where no model is named.
        folder: of a student or teacher.
    """

    name: str
    kind: str
    languages: tuple[str, ...]
    default: bool
    folder: Path | None = None


def list_models() -> list[ModelEntry]:
    """List encoders, students (shipped and trained), teachers, fusions and BM25.

    BM25 is listed with its options if their extra is installed. Models that can't be read are left
    out, with a warning.

    Examples:
        >>> [entry.name for entry in list_models() if entry.kind == "baseline"][0]
        'bm25'
    """
    baselines = _BASELINES if find_spec("snowballstemmer") else _BASELINES[:1]
    entries = [ModelEntry(name, "baseline", (), False) for name in baselines]
    return [*_encoders(), *_students(), *_teachers(), *_fusions(), *entries]


def model_files() -> list[Path]:
    """List the files that describe the students, teachers and fusions."""
    students = [folder / PAIR_FILE for folder in student_folders()]
    teachers = [folder / TEACHER_FILE for folder in teacher_folders()]
    return students + teachers + fusion_files()


def _encoders() -> Iterator[ModelEntry]:
    for name, packaged in PACKAGED.items():
        if packaged.is_installed():
            yield ModelEntry(name, "encoder", packaged.languages, False)


def _students() -> Iterator[ModelEntry]:
    for index, folder in enumerate(student_folders()):
        try:
            languages = read_pair(folder).card.languages
        except (InputError, OSError) as error:
            logger.warning("left out: %s", error)
            continue
        yield ModelEntry(folder.name, "student", languages, index == 0, folder)


def _fusions() -> Iterator[ModelEntry]:
    for path in fusion_files():
        try:
            fusion = read_fusion(path)
        except InputError as error:
            logger.warning("left out: %s", error)
            continue
        yield ModelEntry(fusion.name, "fusion", (), False)


def _teachers() -> Iterator[ModelEntry]:
    for folder in teacher_folders():
        try:
            languages = read_teacher(folder).card.languages
        except InputError as error:
            logger.warning("left out: %s", error)
            continue
        yield ModelEntry(folder.name, "teacher", languages, False, folder)
