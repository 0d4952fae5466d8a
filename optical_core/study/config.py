"""What a study is made of: one frozen, validated configuration, read from YAML.

For example:

    name: demo
    collections: [demo]                 # names, folders, or what to import (see CollectionSource)
    models: [embedded, bm25]            # measured as they are; `bm25@human` asks in English
    training: {bitext: [demo], steps: 60}    # settings of DistillConfig that all arms share
    arms:                               # name -> the settings in which the arm differs
      optical: {}
      greedy: {objective: greedy}
      tlm: {objective: tlm}
      tlm+optical: {start: tlm}         # goes on from another arm's student of the same seed
    seeds: [1, 2, 3]
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from optical_core.data.languages import HIGH_RESOURCE, LOW_RESOURCE, given_codes
from optical_core.data.lines import read_text
from optical_core.data.yaml import read_yaml
from optical_core.distill.config import DistillConfig
from optical_core.errors import InputError
from optical_core.storage import assets
from optical_core.validation import first_problem, plain_name

_LARGEST = 10_000


class CollectionSource(BaseModel):
    """A collection that the study imports if it isn't installed; see `optical data import`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, AfterValidator(plain_name)]
    form: str
    path: str
    """Folder; `{data}` in it is what `--data` says."""
    unit: str | None = None
    languages: tuple[str, ...] = ()
    """Query languages measured on this collection; the study's by default."""

    @field_validator("languages", mode="before")
    @classmethod
    def _one_form(cls, codes: Any) -> Any:
        return given_codes(codes)


class StudyConfig(BaseModel):
    """A study: models and training arms, seeds, languages and collections."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, AfterValidator(plain_name)]
    question: str = (
        "Does OT distillation, or continued multilingual pre-training, reduce the gap between "
        "high- and low-resource query languages?"
    )
    collections: tuple[str | CollectionSource, ...] = Field(min_length=1)
    models: tuple[str, ...] = ("embedded", "bm25")
    baseline: str = "embedded"
    """Model (one of `models`) that every other is compared with."""

    training: dict[str, Any] = Field(default_factory=dict)
    arms: dict[str, dict[str, Any]] = Field(default_factory=dict)
    reference: str = "optical"
    """Arm whose claim the report tests against its rivals."""
    seeds: tuple[int, ...] = Field((1,), min_length=1)

    languages: tuple[str, ...] = ()
    """Query languages; all of a collection's by default."""
    high: tuple[str, ...] = HIGH_RESOURCE
    low: tuple[str, ...] = LOW_RESOURCE
    depth: int = Field(1000, ge=1)

    @field_validator("languages", "high", "low", mode="before")
    @classmethod
    def _one_form(cls, codes: Any) -> Any:
        """Codes in any form, or a comma-separated list of them."""
        return given_codes(codes)

    @model_validator(mode="after")
    def _consistent(self) -> StudyConfig:
        if self.baseline not in self.models:
            raise ValueError(f"baseline {self.baseline!r} must be one of models")
        if self.arms and self.reference not in self.arms:
            raise ValueError(f"reference {self.reference!r} must be one of arms")
        if clash := set(self.arms) & set(self.models):
            raise ValueError(f"{min(clash)!r} names both an arm and a model")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed comes twice")
        for arm, settings in self.arms.items():
            start = settings.get("start")
            order = list(self.arms)
            if start in order and order.index(start) >= order.index(arm):
                raise ValueError(f"arm {arm!r} starts from {start!r}, which must come before it")
            self.distillation(arm, self.seeds[0])
        return self

    @property
    def sources(self) -> list[CollectionSource]:
        """The collections that say where they come from."""
        return [c for c in self.collections if isinstance(c, CollectionSource)]

    def student(self, arm: str, seed: int) -> str:
        """Name of an arm's student among the models of this machine."""
        return f"{self.name}.{arm.replace('+', '-')}.s{seed}"

    def distillation(self, arm: str, seed: int) -> DistillConfig:
        """The whole configuration of one training."""
        settings = {**self.training, **self.arms[arm]}
        if settings.get("start") in list(self.arms):
            settings["start"] = self.student(settings["start"], seed)
        own = {"name": self.student(arm, seed), "seed": seed}
        try:
            return DistillConfig.model_validate(settings | own)
        except ValidationError as error:
            raise ValueError(f"arm {arm!r}: {first_problem(error)}") from error


def shipped_studies() -> list[str]:
    """Names of the studies that come with the package."""
    return sorted(path.stem for path in assets("studies").glob("*.yaml"))


def read_study(name_or_path: str, *, data: Path | None = None) -> StudyConfig:
    """Read a shipped study by name, or a YAML file. `data` replaces `{data}` in its paths.

    Raises InputError: no such study, no YAML, an unknown or wrong setting, `{data}` without data.
    """
    path = Path(name_or_path)
    if name_or_path in shipped_studies():
        path = assets("studies", f"{name_or_path}.yaml")
    try:
        found = path.is_file()
    except (OSError, ValueError):  # what can't be a path
        found = False
    if not found:
        raise InputError(
            f"no study {name_or_path!r}: give a YAML file, or one of {', '.join(shipped_studies())}"
        )
    text = read_text(path)
    content = read_yaml(text, str(path))
    if not isinstance(content, dict):
        raise InputError(f"{path}: settings by name were expected, such as `name: demo`")
    try:
        _refuse_too_large(content, path)
        return StudyConfig.model_validate(_filled(content, data, path))
    except ValidationError as error:
        raise InputError(f"{path}: {first_problem(error)}") from error


def _refuse_too_large(content: Any, path: Path) -> None:
    """Aliases let a few lines of YAML stand for more than the memory holds, or for themselves."""
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
    """`{data}` replaced in every text."""
    if isinstance(value, dict):
        return {key: _filled(part, data, path) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, data, path) for part in value]
    if isinstance(value, str) and "{data}" in value:
        if data is None:
            raise InputError(f"{path} reads from a folder of data: say which with --data FOLDER")
        return value.replace("{data}", str(data))
    return value
