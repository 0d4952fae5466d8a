"""Whose a run's name is: trained already, going on, or taken by other settings."""

from __future__ import annotations

import json
from pathlib import Path

from optical_core.data.lines import read_json
from optical_core.distill.config import TrainingConfig
from optical_core.errors import InputError
from optical_core.storage import replace_file

MODEL_FILES = ("retriever.json", "teacher.json")


def finished(work: Path, folder: Path, config: TrainingConfig) -> bool:
    """Is the model there, trained with these settings?"""
    path = work / "config.json"
    same = path.exists() and config.is_saved_as(read_json(path))
    return same and (folder / "record.json").exists()


def claim(work: Path, folder: Path, config: TrainingConfig) -> None:
    """Write the resolved configuration, or refuse if the name belongs to other settings."""
    path = work / "config.json"
    if path.exists() and not config.is_saved_as(read_json(path)):
        raise InputError(
            f"a run {config.name!r} with other settings exists in {work}; choose another --name, "
            "or remove that folder to start again"
        )
    if any((folder / name).exists() for name in MODEL_FILES) and not path.exists():
        raise InputError(f"a model {config.name!r} exists in {folder}; choose another --name")
    with replace_file(path) as temporary:
        text = json.dumps(config.model_dump(), indent=2, ensure_ascii=False) + "\n"
        temporary.write_text(text, encoding="utf-8")
