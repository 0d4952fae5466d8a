"""Teachers made by `optical teach`, and every encoder by its name.

teacher.json           format, base encoder, dimension, hash, card, checksums of the other files
adapter/, changed.safetensors    how the weights differ from the base's (see `deltas`)
base/                  the base, if it was a folder of this machine
README.md              the card for people
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from optical_core.checksums import check_files
from optical_core.errors import InputError
from optical_core.models.backbones import EMBEDDED, PACKAGED
from optical_core.models.cards import ModelCard
from optical_core.models.deltas import load_delta, resized, save_delta
from optical_core.models.embedded import embedded_folder
from optical_core.models.info import TEACHER_FILE, TeacherInfo, checksums_of_model, read_teacher
from optical_core.models.token_encoder import TokenEncoder
from optical_core.paths import check_path
from optical_core.storage import assets, home, replace_folder


def open_shared(name_or_path: str, *, device: str | None = None) -> TokenEncoder:
    """Open an encoder: a packaged one or a teacher by name, else a folder or a hub name.

    The embedded encoder is opened once and shared by all callers.

    Raises:
        InputError: as `TokenEncoder.load`.
    """
    if name_or_path == EMBEDDED:
        return _embedded(str(embedded_folder().resolve()), device)
    if folder := teacher_folder(name_or_path):
        return _open_teacher(folder, name_or_path, device)
    return TokenEncoder.load(name_or_path, device=device)


@lru_cache(maxsize=1)
def _embedded(folder: str, device: str | None) -> TokenEncoder:
    """Open the embedded encoder: half a gigabyte that everything in a process shares."""
    return TokenEncoder.load(EMBEDDED, device=device)


def teacher_folder(name_or_path: str) -> Path | None:
    """Find a teacher's folder by name or path; None for another encoder."""
    if name_or_path in PACKAGED or not name_or_path:
        return None
    check_path(name_or_path)
    candidates = [Path(name_or_path)]
    if Path(name_or_path).name == name_or_path != "..":
        candidates += [assets("teachers", name_or_path), home("models", name_or_path)]
    return next((folder for folder in candidates if (folder / TEACHER_FILE).is_file()), None)


def _open_teacher(folder: Path, name: str, device: str | None) -> TokenEncoder:
    info = read_teacher(folder)
    check_files(folder, info.files)
    base = open_base(folder, info, device=device)
    encoder = TokenEncoder(load_delta(folder, resized(base, info.dimension)), name=name)
    if info.files:
        # Where an adapter is merged, the weights' last bits are the processor's own.
        encoder.hash = info.hash
    elif encoder.hash != info.hash:
        raise InputError(
            f"the teacher in {folder} is damaged: its weights have the hash {encoder.hash}, "
            f"{info.hash} was saved; copy it again, or teach it again"
        )
    return encoder


def open_base(folder: Path, info: TeacherInfo, *, device: str | None = None) -> TokenEncoder:
    """Open the encoder that a teacher was taught from: the one in its folder, or by name.

    Raises:
        InputError: there is none, or it isn't the one that the teacher was taught from.
    """
    inside = folder / "base"
    base = open_shared(str(inside) if inside.is_dir() else info.base, device=device)
    if base.hash != info.base_hash:
        raise InputError(
            f"teacher {info.name} was taught from another version of {info.base} (hash "
            f"{info.base_hash}, here {base.hash}); teach it again"
        )
    return base


def save_teacher(
    folder: Path, *, name: str, base: TokenEncoder, model: Any, card: ModelCard
) -> None:
    """Save a taught encoder, whole or not at all; with its base, if that is a folder here."""
    is_folder = base.name not in PACKAGED and Path(base.name).exists()
    with replace_folder(folder, [TEACHER_FILE]) as temporary:
        save_delta(temporary, model, base)
        dimension = int(model.get_embedding_dimension())
        # The adapter is rounded to fp16, so the saved encoder isn't exactly the trained one.
        saved = TokenEncoder(load_delta(temporary, resized(base, dimension)), name=name)
        info = TeacherInfo(
            name=name,
            base="base" if is_folder else base.name,
            base_hash=base.hash,
            dimension=dimension,
            hash=saved.hash,
            card=card,
        )
        if is_folder:
            base.model.save(str(temporary / "base"))
        describe_teacher(temporary, info)


def describe_teacher(folder: Path, info: TeacherInfo) -> None:
    """Write a teacher's teacher.json, with the checksums of all other files, and its card."""
    info = info.model_copy(update={"files": checksums_of_model(folder)})
    text = json.dumps(info.model_dump(), indent=2, ensure_ascii=False) + "\n"
    (folder / TEACHER_FILE).write_text(text, encoding="utf-8")
    facts = [f"Taught from: `{info.base}`, hash {info.base_hash}", f"Dimensions: {info.dimension}"]
    text = info.card.text(info.name, facts, kind="An encoder trained on relevance.")
    (folder / "README.md").write_text(text, encoding="utf-8")
