"""Pairs of encoders on disk: the teacher's name, the student's difference from it, and a card.

A student's backbone is the teacher itself, or another encoder that learned the teacher's space.

    retriever.json         format, teacher, backbone, languages, card, checksums of the other files
    adapter/               LoRA weights (PEFT), or
    changed.safetensors    the tensors in which the student differs from its backbone
    pieces.safetensors     what was added to word embeddings, if any (see `pieces`)
    lexicons/<code>.tsv    its lexicons, if it has any
    means.safetensors      means of languages that both sides take off, if any (see `pair_copies`)
    README.md              the card for people
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from optical_core.checksums import check_files
from optical_core.data.lexicons import LEAST, Lexicon, likeliest, write_lexicon
from optical_core.data.records import write_record
from optical_core.errors import InputError
from optical_core.models.backbones import PACKAGED
from optical_core.models.cards import ModelCard
from optical_core.models.deltas import has_delta, load_delta, save_delta, with_projection
from optical_core.models.info import (
    LEXICONS,
    PAIR_FILE,
    PairInfo,
    check_free,
    checksums_of_model,
    read_pair,
    student_folder,
)
from optical_core.models.means_file import MEANS, with_means
from optical_core.models.pair import EncoderPair
from optical_core.models.teachers import open_shared
from optical_core.models.token_encoder import TokenEncoder
from optical_core.paths import check_path
from optical_core.storage import replace_folder
from optical_core.wording import listed

logger = logging.getLogger(__name__)


def load_pair(name_or_path: str, *, device: str | None = None) -> EncoderPair:
    """Load a pair by name or folder; an encoder's name or folder gives an undistilled pair.

    Args:
        name_or_path: a student's or an encoder's.
        device: None for the best there is.

    Raises:
        InputError: the name is unknown, the folder is damaged, or the teacher isn't the one that
            the student was trained with.

    Examples:
        >>> pair = load_pair("optical-lowres")  # doctest: +SKIP
        >>> pair.student.encode_queries(["Kwa nini bahari ina chumvi?"])  # doctest: +SKIP
    """
    check_path(name_or_path)
    folder = student_folder(name_or_path)
    if not (folder / PAIR_FILE).is_file():
        return EncoderPair.undistilled(open_shared(name_or_path, device=device))
    info = read_pair(folder)
    check_files(folder, info.files)
    if not info.files:
        _warn_of_no_checksums(folder)
    teacher, base = open_parts(folder, info, device=device)
    # Only a copy of an encoder that takes means off has no weights of its own.
    plain = (folder / MEANS).is_file() and not has_delta(folder)
    student = base if plain else load_student(folder, base, info.name)
    backbone = None if plain else info.backbone_hash or teacher.hash
    passages = student if info.passages else teacher
    if (folder / MEANS).is_file():
        passages, student = with_means(folder / MEANS, passages, student, info.name)
    lexicons = folder / LEXICONS
    return EncoderPair(
        info.name,
        passages,
        student,
        info.card,
        backbone,
        lexicons if lexicons.is_dir() else None,
        info.unfamiliar or (),
    )


def open_parts(
    folder: Path, info: PairInfo, *, device: str | None = None
) -> tuple[TokenEncoder, TokenEncoder]:
    """Open a student's teacher and the encoder that its training started from, often the same.

    Raises:
        InputError: one is unknown, or isn't the one that the student was trained with.
    """
    teacher = _part(folder, "teacher", info.teacher, info.teacher_hash, info.name, device)
    if not (info.backbone and info.backbone_hash):
        return teacher, teacher
    backbone = _part(folder, "backbone", info.backbone, info.backbone_hash, info.name, device)
    return teacher, with_projection(backbone, teacher.dimension)


def known_student(name_or_path: str) -> PairInfo:
    """Read a student's description, and check its files.

    Raises:
        InputError: there is no such student, or its folder is damaged.
    """
    check_path(name_or_path)
    folder = student_folder(name_or_path)
    if not (folder / PAIR_FILE).is_file():
        raise InputError(f"{name_or_path!r} is no student; `optical models` lists them")
    info = read_pair(folder)
    check_files(folder, info.files)
    return info


def _part(
    folder: Path, role: str, name: str, wanted: str, student: str, device: str | None
) -> TokenEncoder:
    """Open a pair's teacher or backbone: in the pair's folder, or by name."""
    inside = folder / role
    try:
        encoder = open_shared(str(inside) if inside.is_dir() else name, device=device)
    except InputError as error:
        raise InputError(
            f"the {role} that {folder / PAIR_FILE} names can't be opened, or that file is damaged: "
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
    """Warn once a process."""
    logger.warning(
        "%s has no checksums: damage to its files would go unnoticed", folder / PAIR_FILE
    )


def load_student(folder: Path, base: TokenEncoder, name: str) -> TokenEncoder:
    """Put a student's weights into a copy of its backbone; word embeddings are shared."""
    return TokenEncoder(load_delta(folder, base), name=name)


def save_pair(
    folder: Path,
    *,
    name: str,
    teacher: TokenEncoder,
    student_model: Any,
    card: ModelCard,
    backbone: TokenEncoder | None = None,
    both: bool = False,
) -> None:
    """Save a pair, whole or not at all.

    Args:
        folder: made; one that exists is replaced.
        name: of the pair.
        teacher: saved in the folder if it is a folder of this machine, else by its name.
        student_model: the trained MultiVectorEncoder. A PEFT adapter is saved as such (fp16);
            without one, the tensors that differ from the backbone's are saved.
        card: describes the training.
        backbone: where the student's training started, saved like the teacher; None for the
            teacher.
        both: does the student encode passages too?

    Examples:
        >>> save_pair(  # doctest: +SKIP
        ...     Path("my-student"),
        ...     name="my-student",
        ...     teacher=teacher,
        ...     student_model=student,
        ...     card=ModelCard(languages=("so",)),
        ... )
    """
    parts = {"teacher": teacher} | ({"backbone": backbone} if backbone else {})
    local = {r: e for r, e in parts.items() if e.name not in PACKAGED and Path(e.name).exists()}
    named = {role: role if role in local else encoder.name for role, encoder in parts.items()}
    info = PairInfo(
        name=name,
        teacher=named["teacher"],
        teacher_hash=teacher.hash,
        backbone=named.get("backbone"),
        backbone_hash=backbone.hash if backbone else None,
        passages="student" if both else None,
        card=card,
    )
    with replace_folder(folder, [PAIR_FILE]) as temporary:
        save_delta(temporary, student_model, backbone or teacher)
        for role, encoder in local.items():
            encoder.model.save(str(temporary / role))
        describe(temporary, info)


def add_lexicons(
    student: str,
    lexicons: Mapping[str, Lexicon],
    folder: Path,
    *,
    source: str,
    licence: str,
    unfamiliar: Collection[str] = (),
) -> None:
    """Save a copy of a student that has lexicons, whole or not at all.

    Args:
        student: name or folder; its own lexicons, if it has any, are left out.
        lexicons: by language. Only translations that glosses can use are kept.
        folder: of the copy, which is called as the folder is.
        source: where the lexicons come from, for the card.
        licence: of the lexicons.
        unfamiliar: languages of the lexicons that the student hardly knows.

    Raises:
        InputError: there is no such student, its folder is damaged, `folder` exists, an unfamiliar
            language has no lexicon, or no lexicon has a word that glosses can use.
    """
    info = known_student(student)
    check_free(folder)
    likely = {code: likeliest(lexicon) for code, lexicon in lexicons.items()}
    usable = {code: lexicon for code, lexicon in likely.items() if lexicon}
    if not usable:
        raise InputError(
            f"{source}: glosses need words with a translation of probability {LEAST} or more"
        )
    lacking = sorted(set(unfamiliar) - usable.keys())
    if lacking:
        raise InputError(f"there is no lexicon of the unfamiliar {listed(lacking)}")
    card = info.card.model_copy(
        update={
            "summary": f"`{info.name}`, asked with glosses. {info.card.summary}",
            "languages": tuple(sorted({*info.card.languages, *usable})),
            "data": (*info.card.data, f"lexicons from {source}"),
            "licence": f"{info.card.licence}; lexicons: {licence}",
            "figures": {},
        }
    )
    with replace_folder(folder) as temporary:
        left_out = shutil.ignore_patterns(LEXICONS, PAIR_FILE, "record.json")
        shutil.copytree(student_folder(student), temporary, ignore=left_out, dirs_exist_ok=True)
        for code, lexicon in usable.items():
            write_lexicon(temporary / LEXICONS / f"{code}.tsv", lexicon, noted=False)
        sizes = {code: len(lexicon) for code, lexicon in usable.items()}
        write_record(
            temporary / "record.json",
            {
                "student": info.name,
                "lexicons": source,
                "words": sizes,
                "unfamiliar": sorted(unfamiliar),
            },
        )
        marked = tuple(sorted(unfamiliar)) or None
        update = {"name": folder.name, "card": card, "unfamiliar": marked}
        describe(temporary, info.model_copy(update=update))


def describe(folder: Path, info: PairInfo) -> None:
    """Write a pair's retriever.json, with the checksums of all other files, and its card."""
    info = info.model_copy(update={"files": checksums_of_model(folder)})
    text = json.dumps(info.model_dump(exclude_none=True), indent=2, ensure_ascii=False) + "\n"
    (folder / PAIR_FILE).write_text(text, encoding="utf-8", errors="replace")
    (folder / "README.md").write_text(card_text(info), encoding="utf-8", errors="replace")


def card_text(info: PairInfo) -> str:
    """Write the card as Markdown."""
    of = "training" if info.passages else "passages"
    facts = [f"Teacher ({of}): `{info.teacher}`, hash {info.teacher_hash}"]
    facts += ["The student encodes queries and passages"] if info.passages else []
    facts += [f"Backbone (queries): `{info.backbone}`"] if info.backbone else []
    return info.card.text(info.name, facts, kind="A query encoder trained by OPTICAL distillation.")
