"""One validated configuration of a training, from the command line and files."""

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
    options: dict[str, Any], file: Path | None, pairs: list[str], *, demo: bool
) -> DistillConfig:
    """Resolve the settings of `distill`, over those of the demo if wanted.

    Args:
        options: given by name; they override the others.
        file: of settings, in JSON.
        pairs: `key=value`; they override the file.
        demo: whether to begin with the demo's settings.

    Raises:
        InputError: names the first setting that is wrong or missing.
    """
    settings = _layered(options, file, pairs)
    if demo:
        settings = read_json(assets("recipes", "demo.json")) | settings
    if not settings.get("name"):
        raise InputError("the student needs a name: --name NAME (or --demo)")
    if not settings.get("bitext"):
        raise InputError("there is nothing to train on: give --bitext FILE (or --demo)")
    return _validated(DistillConfig, settings)


def resolve_teaching(options: dict[str, Any], file: Path | None, pairs: list[str]) -> TeachConfig:
    """Resolve the settings of `teach`; arguments and errors are those of `resolve_config`."""
    settings = _layered(options, file, pairs)
    if not settings.get("name"):
        raise InputError("the teacher needs a name: --name NAME")
    if not settings.get("relevance"):
        raise InputError("there is nothing to train on: give --relevance PATH")
    return _validated(TeachConfig, settings)


def saved_config(settings: Any) -> DistillConfig | TeachConfig:
    """Read the settings that a training was saved with.

    Raises:
        ValidationError: they are no training's.
    """
    taught = isinstance(settings, dict) and "relevance" in settings
    return (TeachConfig if taught else DistillConfig).model_validate(settings)


def _layered(options: dict[str, Any], file: Path | None, pairs: list[str]) -> dict[str, Any]:
    """Join the file's settings, `key=value` pairs and options given by name; later ones win."""
    settings: dict[str, Any] = {}
    if file is not None:
        content = read_json(file)
        if not isinstance(content, dict):
            raise InputError(f"{file}: an object of settings was expected")
        settings |= content
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key.strip():
            raise InputError(f"--set {pair}: key=value was expected")
        settings[key.strip()] = _value(value.strip())
    settings |= options
    return settings


def _validated(kind: type[Config], settings: dict[str, Any]) -> Config:
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        text = first_problem(error)
        # A problem between two settings is a sentence without a setting's name.
        raise InputError(f"setting {text}" if error.errors()[0]["loc"] else text) from error


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
