"""Copies of a model for passages in many languages: without training, each under a name of its own.

`both_sides` lets a student encode passages too, so that they may be in its languages. `centred`
takes each language's mean vector off, on both sides (see `language_means`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optical_core.data.records import write_record
from optical_core.errors import InputError
from optical_core.models.backbones import PACKAGED
from optical_core.models.info import PAIR_FILE, PairInfo, check_free, is_student, student_folder
from optical_core.models.language_means import LanguageMeans
from optical_core.models.means_file import MEANS, write_means
from optical_core.models.pair_store import describe, known_student, load_pair
from optical_core.storage import replace_folder


def both_sides(student: str, folder: Path) -> None:
    """Save a copy of a student that encodes queries and passages, whole or not at all.

    Args:
        student: name or folder.
        folder: of the copy, which is called as the folder is.

    Raises:
        InputError: there is no such student, it encodes passages already, or `folder` exists.

    Examples:
        >>> both_sides("optical-lowres", Path("lowres-both"))  # doctest: +SKIP
    """
    info = known_student(student)
    if info.passages:
        raise InputError(f"{info.name} encodes passages already")
    if (student_folder(student) / MEANS).is_file():
        raise InputError(f"{info.name} has means of another encoder of passages: centre the copy")
    _copy(
        student,
        folder,
        info.model_copy(update={"passages": "student"}),
        summary=f"`{info.name}`, which encodes passages too. {info.card.summary}",
        record={"student": info.name},
    )


def centred(
    model: str,
    sentences: Mapping[str, Sequence[str]],
    folder: Path,
    *,
    source: str,
    licence: str = "unknown",
    device: str | None = None,
) -> None:
    """Save a copy of a model that takes languages' means off, whole or not at all.

    Args:
        model: a student or encoder, by name or folder.
        sentences: code -> sentences, of bitext; English is one of the languages.
        folder: of the copy, which is called as the folder is.
        source: where the sentences come from, for the card.
        licence: of the sentences.
        device: None for the best there is.

    Raises:
        InputError: there is no such model, it takes means off already, the sentences are too few,
            or `folder` exists.

    Examples:
        >>> texts = {"en": ["The sea is salty."], "sw": ["Bahari ina chumvi."]}
        >>> centred("embedded", texts, Path("mine"), source="own")  # doctest: +SKIP
    """
    check_free(folder)
    pair = load_pair(model, device=device)
    of_student = is_student(model)
    if (student_folder(model) / MEANS).is_file():
        raise InputError(f"{pair.name} takes the means of languages off already")
    if of_student:
        info = known_student(model)
    else:
        local = pair.teacher.name not in PACKAGED and Path(pair.teacher.name).exists()
        info = PairInfo(
            name=pair.name,
            teacher="teacher" if local else pair.teacher.name,
            teacher_hash=pair.teacher.hash,
            card=pair.card,
        )
    passages = LanguageMeans.of(pair.teacher.encode_passages, sentences)
    queries = LanguageMeans.of(pair.student.encode_queries, sentences)
    with tempfile.TemporaryDirectory() as work:
        write_means(Path(work, MEANS), passages, queries)
        if not of_student and info.teacher == "teacher":
            pair.teacher.model.save(str(Path(work, "teacher")))
        _copy(
            model if of_student else None,
            folder,
            info,
            summary=f"`{info.name}`, less the mean vector of each language. {info.card.summary}",
            record={
                "model": info.name,
                "sentences": source,
                "languages": {code: len(texts) for code, texts in sentences.items()},
            },
            added=Path(work),
            languages=sentences,
            data=f"means of languages from {source}",
            licence=f"{info.card.licence}; means: {licence}" if of_student else licence,
        )


def _copy(
    student: str | None,
    folder: Path,
    info: PairInfo,
    *,
    summary: str,
    record: dict[str, Any],
    added: Path | None = None,
    languages: Sequence[str] | Mapping[str, Any] = (),
    data: str = "",
    licence: str = "",
) -> None:
    """Save a student's files, and others, as a model of its own."""
    check_free(folder)
    card = info.card.model_copy(
        update={
            "summary": summary.strip(),
            "languages": tuple(sorted({*info.card.languages, *languages})),
            "data": (*info.card.data, *filter(None, [data])),
            "licence": licence or info.card.licence,
            "figures": {},
        }
    )
    with replace_folder(folder) as temporary:
        if student is not None:
            left_out = shutil.ignore_patterns(PAIR_FILE, "record.json")
            original = student_folder(student)
            shutil.copytree(original, temporary, ignore=left_out, dirs_exist_ok=True)
        if added is not None:
            shutil.copytree(added, temporary, dirs_exist_ok=True)
        write_record(temporary / "record.json", record)
        describe(temporary, info.model_copy(update={"name": folder.name, "card": card}))
