"""Training splits of published retrieval sets, named `FORM=PATH`: `mmarco=~/data/mmarco`.

The split is imported once, as a collection under `$OPTICAL_HOME/training`, and again when the
published files change. These collections aren't listed and never evaluated.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from optical_core.data.folders import data_files
from optical_core.data.languages import find_language
from optical_core.data.readers import import_collection
from optical_core.errors import InputError
from optical_core.storage import exclusive, file_state, home

logger = logging.getLogger(__name__)

ONE_LANGUAGE = ("miracl", "mrtydi")
"""Forms whose queries and passages are in one language: each language is imported by itself."""
FORMS = ("afriqa", "clirmatrix", *ONE_LANGUAGE, "mmarco", "msmarco", "wikiclir")
"""Forms with a split `train`."""


def form_and_path(entry: str) -> tuple[str | None, Path]:
    """Split `FORM=PATH`; the form is None in a plain path.

    Raises:
        InputError: the form has no training split.

    Examples:
        >>> form_and_path("mmarco=data/mmarco"), form_and_path("data/nq")
        (('mmarco', PosixPath('data/mmarco')), (None, PosixPath('data/nq')))
    """
    form, equals, path = entry.partition("=")
    if not equals or "/" in form or Path(entry).exists():
        return None, Path(entry)
    if form not in FORMS:
        raise InputError(
            f"{entry}: {form!r} is no set with a training split; one of {', '.join(FORMS)} was "
            "expected before the ="
        )
    return form, Path(path).expanduser()


def train_collections(form: str, source: Path, languages: Iterable[str]) -> list[Path]:
    """Import the training split of a published folder, unless it was imported before.

    Args:
        form: one of `FORMS`.
        source: the folder as published.
        languages: of the queries; they matter to `ONE_LANGUAGE` alone.

    Returns:
        Folders of collections: one, or one a language.

    Raises:
        InputError: there is no such folder or split, or none of the languages, or its files can't
            be read.
    """
    if not source.is_dir():
        raise InputError(f"no such folder: {source}")
    if form not in ONE_LANGUAGE:
        return [_imported(form, source, None)]
    made, refused = [], []
    for code in languages:
        known = find_language(code)
        try:
            made.append(_imported(form, source, known.code if known else code))
        except InputError as error:
            refused.append(error)
    if not made and refused:
        raise refused[0]
    return made


def _imported(form: str, source: Path, unit: str | None) -> Path:
    name = "-".join(part for part in (form, unit, _state(source)) if part)
    target = home("training", name)
    with exclusive(target):
        if not (target / "collection.json").is_file():
            logger.info("importing the training split of %s", source)
            import_collection(form, source, target, name=form, unit=unit, split="train")
    return target


def _state(source: Path) -> str:
    """Tell versions of a folder apart by its files' names and states."""
    digest = hashlib.blake2b(os.fsencode(source.resolve()), digest_size=8)
    for path in data_files(source):
        digest.update(f"\0{path.relative_to(source)} {file_state(path)}".encode())
    return digest.hexdigest()
