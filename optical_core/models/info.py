"""The JSON file that describes a saved model: `retriever.json`, `teacher.json`."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from optical_core.data.lines import read_json
from optical_core.errors import InputError
from optical_core.validation import validated

FORMAT = 1
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
