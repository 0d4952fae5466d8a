"""Reading a study's configuration: the shipped ones by name, others from a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from optical_core.data.lines import read_text
from optical_core.data.yaml import read_yaml
from optical_core.errors import InputError
from optical_core.storage import assets
from optical_core.study.config import StudyConfig
from optical_core.validation import first_problem

_LARGEST = 10_000


def shipped_studies() -> list[str]:
    """List the studies that come with the package."""
    return sorted(path.stem for path in assets("studies").glob("*.yaml"))


def read_study(name_or_path: str, *, data: Path | None = None) -> StudyConfig:
    """Read a shipped study by name, or a YAML file.

    Args:
        name_or_path: of the study.
        data: replaces `{data}` in its paths.

    Raises:
        InputError: there is no such study, the file isn't YAML, a setting is unknown or wrong, or
            `{data}` occurs and `data` is missing.

    Examples:
        >>> read_study("demo").collections
        ('demo',)
    """
    path, shipped = Path(name_or_path), shipped_studies()
    if name_or_path in shipped:
        path = assets("studies", f"{name_or_path}.yaml")
    try:
        exists = path.is_file()
    except (OSError, ValueError):  # it can't be a path
        exists = False
    if not exists:
        raise InputError(
            f"no study {name_or_path!r}: give a YAML file, or one of {', '.join(shipped)}"
        )
    text = read_text(path)
    content = read_yaml(text, str(path))
    if not isinstance(content, dict):
        raise InputError(f"{path}: settings by name were expected, such as `name: demo`")
    try:
        _refuse_too_large(content, path)
        study = StudyConfig.model_validate(_filled(content, data, path))
    except ValidationError as error:
        raise InputError(f"{path}: {first_problem(error)}") from error
    if study.name in shipped and path.resolve().parent != assets("studies").resolve():
        raise InputError(f"{path}: {study.name} is a shipped study: choose another name for yours")
    return study


def _refuse_too_large(content: Any, path: Path) -> None:
    """Refuse YAML whose aliases expand beyond the memory, or refer to themselves."""
    left, seen = [content], 0
    while left:
        value = left.pop()
        seen += 1
        if seen > _LARGEST:
            raise InputError(f"{path}: more than {_LARGEST:,} settings, its aliases followed")
        if isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list):
            left += value


def _filled(value: Any, data: Path | None, path: Path) -> Any:
    """Replace `{data}` in every text."""
    if isinstance(value, dict):
        return {key: _filled(part, data, path) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, data, path) for part in value]
    if isinstance(value, str) and "{data}" in value:
        if data is None:
            raise InputError(f"{path} reads from a folder of data: say which with --data FOLDER")
        return value.replace("{data}", str(data))
    return value
