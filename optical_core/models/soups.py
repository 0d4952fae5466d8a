"""Model soups: one model from the mean weights of several trainings (Wortsman et al. 2022).

Trainings of one encoder on other data, or with other settings or seeds, end at weights whose mean
is as good as they are on average or better, and takes no more time or space.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from optical_core.checksums import check_files
from optical_core.data.records import read_record, write_record
from optical_core.errors import InputError
from optical_core.models.cards import ModelCard
from optical_core.models.deltas import ADAPTER, CHANGED, load_delta, resized
from optical_core.models.info import (
    LEXICONS,
    PAIR_FILE,
    TEACHER_FILE,
    PairInfo,
    TeacherInfo,
    check_free,
    is_student,
    read_teacher,
    student_folder,
)
from optical_core.models.mean_weights import write_mean
from optical_core.models.means_file import MEANS
from optical_core.models.pair_store import describe, known_student, open_parts
from optical_core.models.pieces import FILE as PIECES
from optical_core.models.teachers import describe_teacher, open_base, open_shared, teacher_folder
from optical_core.models.token_encoder import TokenEncoder
from optical_core.paths import check_path
from optical_core.storage import replace_folder
from optical_core.wording import listed

_OWN = (PAIR_FILE, TEACHER_FILE, ADAPTER, CHANGED, PIECES, "record.json", "README.md")
"""Files that differ between trainings. The others in a model's folder are encoders it needs."""


def soup(models: Sequence[str], folder: Path, *, strength: float = 1.0, licence: str = "") -> None:
    """Save the mean of several students or teachers as a model of its own, whole or not at all.

    Args:
        models: names or folders, two or more: students of one teacher and backbone, or teachers
            that went on from one teacher. One that is named twice counts twice.
        folder: of the new model, which is called as the folder is.
        strength: s in (0, 1]; 1 - s of the way is taken back towards the encoder before training
            (WiSE-FT, Wortsman et al. 2022). A projection to another size, or trained beside LoRA,
            stays as it is.
        licence: of the new model; by default those of all, joined.

    Raises:
        InputError: a model is unknown or damaged, they differ in kind, teacher, backbone or size,
            one has lexicons or takes means off, their projections point in different directions,
            or `folder` or a training of its name exists.

    Examples:
        >>> soup(["seed-1", "seed-2", "seed-3"], Path("models/all"))  # doctest: +SKIP
    """
    if len(models) < 2:
        raise InputError("a soup needs two models or more")
    if not 0 < strength <= 1:
        raise InputError(f"strength is above 0 and at most 1, got {strength:g}")
    check_free(folder)
    students, teachers = [], []
    for name in models:
        check_path(name)
        if is_student(name):
            students.append(name)
        elif part := teacher_folder(name):
            teachers.append(part)
        else:
            raise InputError(f"{name!r} is no student or teacher; `optical models` lists them")
    if students and teachers:
        raise InputError(
            f"{students[0]!r} is a student, {teachers[0].name!r} a teacher: name models of one kind"
        )
    if students:
        _of_students(students, folder, strength, licence)
    else:
        _of_teachers(teachers, folder, strength, licence)


def _of_students(names: Sequence[str], folder: Path, strength: float, licence: str) -> None:
    infos = [known_student(name) for name in names]
    folders = [student_folder(name) for name in names]
    _check_alike(
        infos, teacher_hash="teacher", backbone_hash="backbone", passages="encoder of passages"
    )
    for info, part in zip(infos, folders, strict=True):
        if (part / LEXICONS).is_dir() or (part / MEANS).is_file():
            raise InputError(
                f"{info.name} has lexicons or takes the means of languages off: name the student "
                "that it was copied from, and copy the soup in the same way"
            )
    if infos[0].backbone and strength < 1:
        raise InputError("strength goes back towards the teacher: not with another backbone")
    _, base = open_parts(folders[0], infos[0])
    update = {"name": folder.name, "card": _card(infos, strength, licence)}
    with replace_folder(folder, [PAIR_FILE]) as temporary:
        _write(temporary, infos, folders, base, strength)
        load_delta(temporary, base)
        describe(temporary, infos[0].model_copy(update=update))


def _of_teachers(folders: Sequence[Path], folder: Path, strength: float, licence: str) -> None:
    infos = [read_teacher(part) for part in folders]
    _check_alike(infos, base_hash="encoder before training", dimension="dimension")
    for info, part in zip(infos, folders, strict=True):
        check_files(part, info.files)
        if not info.files:
            open_shared(str(part))  # which checks the hash of an older version's weights
    base = open_base(folders[0], infos[0])
    with replace_folder(folder, [TEACHER_FILE]) as temporary:
        _write(temporary, infos, folders, base, strength)
        model = load_delta(temporary, resized(base, infos[0].dimension))
        update = {
            "name": folder.name,
            "card": _card(infos, strength, licence),
            "hash": TokenEncoder(model, name=folder.name).hash,
        }
        describe_teacher(temporary, infos[0].model_copy(update=update))


def _check_alike(infos: Sequence[PairInfo | TeacherInfo], **facts: str) -> None:
    """Check that models agree in facts, given with the words for them."""
    for info in infos:
        for fact, words in facts.items():
            if getattr(info, fact) != getattr(infos[0], fact):
                raise InputError(
                    f"{infos[0].name} and {info.name} have no useful mean: they differ in their "
                    f"{words}"
                )


def _write(
    folder: Path,
    infos: Sequence[PairInfo | TeacherInfo],
    folders: Sequence[Path],
    base: TokenEncoder,
    strength: float,
) -> None:
    """Write the weights and the record, and copy the encoders that the models bring along."""
    left_out = shutil.ignore_patterns(*_OWN)
    shutil.copytree(folders[0], folder, ignore=left_out, dirs_exist_ok=True)
    rank = write_mean(folder, folders, base, strength)
    models = [
        {"name": info.name, "files": info.files, "record": read_record(part / "record.json")}
        for info, part in zip(infos, folders, strict=True)
    ]
    write_record(folder / "record.json", {"models": models, "strength": strength, "rank": rank})


def _card(infos: Sequence[PairInfo | TeacherInfo], strength: float, licence: str) -> ModelCard:
    cards = [info.card for info in infos]
    names = [info.name for info in infos]
    return ModelCard(
        summary=f"The mean weights of {listed([f'`{name}`' for name in names])} (a model soup).",
        languages=tuple(sorted({code for card in cards for code in card.languages})),
        data=tuple(f"{info.name}: {', '.join(info.card.data)}" for info in infos),
        licence=licence or "; ".join(dict.fromkeys(card.licence for card in cards)),
        recipe={"soup": names, "strength": strength},
    )
