"""Fusions that have a name on this machine: `$OPTICAL_HOME/fusions/NAME.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from optical_core.data.records import environment
from optical_core.digits import plain
from optical_core.errors import InputError
from optical_core.models.info import ModelInfo, read_info
from optical_core.storage import home, replace_file
from optical_core.validation import plain_name


class Fusion(ModelInfo):
    """A fusion with its weights.

    Attributes:
        name: among the models of this machine.
        expression: such as `0.9*optical-lowres+0.1*bm25`.
        record: what the weights were fitted on, and with what gain.
    """

    name: str
    expression: str
    record: dict[str, Any] = Field(default_factory=dict)


def fusion_files() -> list[Path]:
    """List the files of all fusions, also those that can't be read."""
    return sorted(home("fusions", "x").parent.glob("[!.]*.json"))


def read_fusion(path: Path) -> Fusion:
    """Read a fusion.

    Raises:
        InputError: the file is damaged, or of another format.
    """
    return read_info(Fusion, path, again="fit it again")


def find_fusion(name: str) -> Fusion | None:
    """The fusion of this name, if there is one.

    Raises:
        InputError: its file can't be read.
    """
    path = next((path for path in fusion_files() if path.stem == name), None)
    return None if path is None else read_fusion(path)


def check_fusion_name(name: str) -> None:
    """Check that a fusion's file can have a name.

    Raises:
        InputError: it can't.
    """
    try:
        plain_name(name)
    except ValueError as error:
        raise InputError(f"the name of a fusion: {error}") from error


def save_fusion(fusion: Fusion) -> Path:
    """Save a fusion under its name, in place of an earlier one.

    Raises:
        InputError: no file can have the name.
    """
    check_fusion_name(fusion.name)
    path = home("fusions", f"{fusion.name}.json")
    content = fusion.model_dump(mode="json")
    content["record"]["environment"] = environment()
    with replace_file(path) as temporary:
        text = json.dumps(plain(content), indent=2, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    return path
