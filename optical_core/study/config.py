"""The configuration of a study: frozen and validated, read from YAML.

For example:

    name: demo
    collections: [demo]                 # names, folders, or what to import (see CollectionSource)
    models: [embedded, bm25]            # measured as they are; `bm25@human` asks in English
    teaching: {steps: 60}               # settings of TeachConfig that all taught models share
    taught:                             # name -> the settings in which the model differs
      english: {relevance: [msmarco=data/msmarco]}
      clir: {relevance: [mmarco=data/mmarco], languages: [de, fr]}
    training: {bitext: [demo], steps: 60}    # settings of DistillConfig that all arms share
    arms:                               # name -> the settings in which the arm differs
      optical: {}
      greedy: {objective: greedy}
      tlm: {objective: tlm}
      tlm+optical: {start: tlm}         # goes on from another arm's student of the same seed
      taught-optical: {teacher: english}     # distils from a taught model of the same seed
      few: {steps: 20}
    curves: [{setting: steps, arms: [few, optical]}]     # drawn against this setting
    seeds: [1, 2, 3]
    measures: [nDCG@20, R@1000]         # besides the usual ones; models are compared by the first
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from optical_core.analysis.measure_names import check_depth, measure_names
from optical_core.analysis.metrics import MEASURES
from optical_core.data.languages import HIGH_RESOURCE, LOW_RESOURCE, given_codes, members
from optical_core.distill.config import DistillConfig
from optical_core.distill.teach_config import TeachConfig
from optical_core.validation import Settings, first_problem, plain_name

_MODELS = ("encoder", "teacher", "start")
"""Settings that may name another model of the study."""


class CollectionSource(Settings):
    """A collection that the study imports if it isn't installed; see `optical data import`."""

    name: Annotated[str, AfterValidator(plain_name)]
    form: str
    path: str
    """Folder; `{data}` in it is replaced by `--data`."""
    unit: str | None = None
    languages: tuple[str, ...] = ()
    """Query languages measured on this collection; by default the study's."""

    @field_validator("languages", mode="before")
    @classmethod
    def _one_form(cls, codes: Any) -> Any:
        return given_codes(codes)


def _form(value: Any) -> str:
    return "dict" if isinstance(value, dict | CollectionSource) else "str"


_NameOrSource = Annotated[
    Annotated[str, Tag("str")] | Annotated[CollectionSource, Tag("dict")], Discriminator(_form)
]


class Curve(Settings):
    """A learning curve of the report: MAP against a number in which arms differ."""

    setting: str
    """Setting of DistillConfig, such as `pairs` or `steps`."""
    arms: tuple[str, ...] = Field(min_length=2)
    name: Annotated[str, AfterValidator(plain_name)] | None = None
    """Tells curves of the same setting apart; by default the setting."""

    @property
    def label(self) -> str:
        """The curve's name in titles and files."""
        return self.name or self.setting


class StudyConfig(Settings):
    """A study: models, taught models, distillation arms, seeds, languages and collections.

    Raises:
        ValueError: an unknown or wrong setting, or settings that don't go together.

    Examples:
        >>> config = StudyConfig(
        ...     name="mine",
        ...     collections=("demo",),
        ...     training={"bitext": ("demo",)},
        ...     arms={"optical": {}, "greedy": {"objective": "greedy"}},
        ... )
        >>> config.settings_of("greedy", seed=1).objective
        'greedy'
    """

    name: Annotated[str, AfterValidator(plain_name)]
    question: str = (
        "Does OT distillation, or continued multilingual pre-training, reduce the gap between "
        "high- and low-resource query languages?"
    )
    collections: tuple[_NameOrSource, ...] = Field(min_length=1)
    models: tuple[str, ...] = ("embedded", "bm25")
    baseline: str = "embedded"
    """Model (of `models` or `taught`) that every other is compared with."""

    teaching: dict[str, Any] = Field(default_factory=dict)
    taught: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Encoders trained on relevance: CLIR models, and teachers of the arms."""
    training: dict[str, Any] = Field(default_factory=dict)
    arms: dict[str, dict[str, Any]] = Field(default_factory=dict)
    reference: str = "optical"
    """Arm whose claim the report tests against its rivals."""
    curves: tuple[Curve, ...] = ()
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**32, strict=True)], ...] = Field(
        (1,), min_length=1
    )

    pooled: bool = False
    """Report all collections as one whose languages they are; no two may have the same language."""

    languages: tuple[str, ...] = ()
    """Query languages; by default all of a collection."""
    high: tuple[str, ...] = HIGH_RESOURCE
    low: tuple[str, ...] = LOW_RESOURCE
    measures: tuple[str, ...] = ()
    """Measures besides the usual ones, in ir-measures' names; models are compared by the first, by
    AP if there is none."""
    depth: int = Field(1000, ge=1)

    @field_validator("languages", "high", "low", mode="before")
    @classmethod
    def _one_form(cls, codes: Any) -> Any:
        """Codes in any form, or a comma-separated list of them."""
        return given_codes(codes)

    @field_validator("measures")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return measure_names(names)

    @model_validator(mode="after")
    def _consistent(self) -> StudyConfig:
        if self.baseline not in (*self.models, *self.taught):
            raise ValueError(f"baseline {self.baseline!r} must be one of models or taught")
        if self.arms and self.reference not in self.arms:
            raise ValueError(f"reference {self.reference!r} must be one of arms")
        names = Counter([*self.models, *self.taught, *self.arms])
        if clash := [name for name, count in names.items() if count > 1]:
            raise ValueError(f"{clash[0]!r} names several of models, taught and arms")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed comes twice")
        titles = [c if isinstance(c, str) else c.name for c in self.collections]
        if len(set(titles)) < len(titles):
            raise ValueError("a collection comes twice")
        saved = Counter(self.model_name(name, seed=0) for name in self.trained)
        clash = [name for name in self.trained if saved[self.model_name(name, seed=0)] > 1]
        if clash:
            raise ValueError(f"{clash[0]!r} and {clash[1]!r} would be one model's name")
        if both := sorted({*self.high} & {*self.low}):
            raise ValueError(f"{both[0]} is in high and in low: a language is in one of them")
        for group in ("high", "low"):
            given = getattr(self, group) if group in self.model_fields_set else ()
            if given and self.languages and not members(given, self.languages):
                raise ValueError(
                    f"{group}: none of {', '.join(given)} is one of languages "
                    f"({', '.join(self.languages)})"
                )
        check_depth(self.measures, self.depth)
        order = self.trained
        for number, name in enumerate(order):
            for key in _MODELS:
                if (other := self.differences[name].get(key)) in order[number:]:
                    raise ValueError(f"{name!r} has the {key} {other!r}, which must come before it")
            self.settings_of(name, self.seeds[0])
        for curve in self.curves:
            self.numbers(curve)
        if len({curve.label for curve in self.curves}) < len(self.curves):
            raise ValueError("two curves have the same name")
        return self

    def numbers(self, curve: Curve) -> dict[str, float]:
        """Read the numbers of a curve's arms.

        Raises:
            ValueError: an arm is unknown, or its setting isn't a number of its own above 0.
        """
        numbers: dict[str, float] = {}
        for arm in curve.arms:
            if arm not in self.arms:
                raise ValueError(f"curve of {curve.setting}: {arm!r} must be one of arms")
            number = getattr(self.settings_of(arm, self.seeds[0]), curve.setting, None)
            if isinstance(number, bool) or not isinstance(number, int | float) or number <= 0:
                raise ValueError(
                    f"curve of {curve.setting}: arm {arm!r} must set it to a number above 0"
                )
            if number in numbers.values():
                raise ValueError(f"curve of {curve.setting}: two arms have {number:g}")
            numbers[arm] = number
        return numbers

    @property
    def measure(self) -> str:
        """The measure by which models are compared."""
        return self.measures[0] if self.measures else MEASURES[0]

    @property
    def sources(self) -> list[CollectionSource]:
        """The collections that the study can import."""
        return [c for c in self.collections if isinstance(c, CollectionSource)]

    @property
    def trained(self) -> list[str]:
        """What the study trains, in order: taught models, then arms."""
        return list(self.differences)

    @property
    def differences(self) -> dict[str, dict[str, Any]]:
        """The settings in which each taught model and each arm differs from the shared ones."""
        return {**self.taught, **self.arms}

    def model_name(self, name: str, seed: int) -> str:
        """Name an arm's student or a taught model among the models of this machine."""
        return f"{self.name}.{name.replace('+', '-')}.s{seed}"

    def settings_of(self, name: str, seed: int) -> DistillConfig | TeachConfig:
        """Resolve the configuration of one training, of an arm or a taught model.

        Raises:
            ValueError: a setting is wrong; the message names what it is of.
        """
        taught = name in self.taught
        settings = {**(self.teaching if taught else self.training), **self.differences[name]}
        if given := {"name", "seed"} & settings.keys():
            raise ValueError(f"{name!r} has a {min(given)}: the study's name and seeds give those")
        for key in _MODELS:
            if settings.get(key) in self.trained:
                settings[key] = self.model_name(settings[key], seed)
        settings |= {"name": self.model_name(name, seed), "seed": seed}
        try:
            return (TeachConfig if taught else DistillConfig).model_validate(settings)
        except ValidationError as error:
            kind = "taught model" if taught else "arm"
            raise ValueError(f"{kind} {name!r}: {first_problem(error)}") from error
