"""From the command line and files to one validated configuration of a training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from optical_core.data.lines import read_json
from optical_core.distill.config import DistillConfig, TrainingConfig
from optical_core.distill.teach_config import TeachConfig
from optical_core.errors import InputError
from optical_core.storage import assets
from optical_core.validation import first_problem

Config = TypeVar("Config", bound=TrainingConfig)


def resolve_config(
    given: dict[str, Any], file: Path | None, pairs: list[str], *, demo: bool
) -> DistillConfig:
    """Settings of `distill`; see `_layered`, over those of the demo where that is asked for."""
    settings = _layered(given, file, pairs)
    if demo:
        settings = read_json(assets("recipes", "demo.json")) | settings
    if not settings.get("name"):
        raise InputError("the student needs a name: --name NAME (or --demo)")
    if not settings.get("bitext"):
        raise InputError("there is nothing to train on: give --bitext FILE (or --demo)")
    return _validated(DistillConfig, settings)


def resolve_teaching(given: dict[str, Any], file: Path | None, pairs: list[str]) -> TeachConfig:
    """Settings of `teach`; see `_layered`."""
    settings = _layered(given, file, pairs)
    if not settings.get("name"):
        raise InputError("the teacher needs a name: --name NAME")
    if not settings.get("relevance"):
        raise InputError("there is nothing to train on: give --relevance PATH")
    return _validated(TeachConfig, settings)


def _layered(given: dict[str, Any], file: Path | None, pairs: list[str]) -> dict[str, Any]:
    """Later wins: the file's settings, `key=value` pairs, options given by name.

    Raises InputError that names the first setting that is wrong.
    """
    settings: dict[str, Any] = {}
    if file is not None:
        content = read_json(file)
        if not isinstance(content, dict):
            raise InputError(f"{file}: an object of settings was expected")
        settings |= content
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator:
            raise InputError(f"--set {pair}: key=value was expected")
        settings[key.strip()] = _value(value.strip())
    settings |= given
    return settings


def _validated(kind: type[Config], settings: dict[str, Any]) -> Config:
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        text = first_problem(error)
        # What is wrong between settings is a sentence of its own.
        raise InputError(f"setting {text}" if error.errors()[0]["loc"] else text) from error


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
