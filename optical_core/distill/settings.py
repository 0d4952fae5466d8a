"""From the command line and files to one validated DistillConfig."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from optical_core.data.languages import language_codes
from optical_core.data.lines import read_json
from optical_core.distill.config import DistillConfig
from optical_core.errors import InputError
from optical_core.storage import assets


def resolve_config(
    given: dict[str, Any], file: Path | None, pairs: list[str], *, demo: bool
) -> DistillConfig:
    """Later wins: the demo's settings, the file's, `key=value` pairs, options given by name.

    Raises InputError that names the first setting that is wrong.
    """
    settings: dict[str, Any] = {}
    if demo:
        settings |= read_json(assets("recipes", "demo.json"))
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
    for key in ("languages", "dev_languages"):
        if isinstance(settings.get(key), str):
            settings[key] = language_codes(settings[key])
        elif settings.get(key):
            settings[key] = language_codes(",".join(settings[key]))
    if not settings.get("name"):
        raise InputError("the student needs a name: --name NAME (or --demo)")
    if not settings.get("bitext"):
        raise InputError("there is nothing to train on: give --bitext FILE (or --demo)")
    try:
        return DistillConfig.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ").lower()
        raise InputError(f"setting {field}: {message}") from error


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
