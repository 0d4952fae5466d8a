"""Pydantic's errors as sentences: where the error is, what was expected, what was given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from optical_core.errors import InputError

Model = TypeVar("Model", bound=BaseModel)
NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]*"

_EXPECTED = (
    {
        "missing": "it is missing",
        "extra_forbidden": "there is no such setting",
        "literal_error": "{expected} was expected",
        "greater_than": "more than {gt} was expected",
        "greater_than_equal": "at least {ge} was expected",
        "less_than": "less than {lt} was expected",
        "less_than_equal": "at most {le} was expected",
        "too_short": "at least {min_length} was expected",
        "string_too_short": "a text was expected",
        "string_too_long": "at most {max_length:,} characters were expected",
        "string_unicode": "a text of whole characters was expected",
        "string_type": "a text was expected (in quotes, if it looks like a number)",
        "tuple_type": "a list was expected",
        "list_type": "a list was expected",
        "dict_type": "settings by name were expected",
        "model_type": "settings by name were expected",
        "model_attributes_type": "settings by name were expected",
        "value_error": "{error}",
    }
    | dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number was expected")
    | (dict.fromkeys(("float_type", "float_parsing", "finite_number"), "a number was expected"))
    | dict.fromkeys(("bool_type", "bool_parsing"), "true or false was expected")
)
"""Type of an error -> what to say, with pydantic's context in braces."""


class Settings(BaseModel):
    """Settings as people write them: no unknown one, no empty text, no flag for a number or text.

    In YAML, a bare `yes` or `on` is a flag, and would count as 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_min_length=1)

    @field_validator("*", mode="before")
    @classmethod
    def _no_flag(cls, value: Any, info: ValidationInfo) -> Any:
        kind = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and bool not in (kind, *get_args(kind)):
            raise ValueError(
                f"it can't be {str(value).lower()}, as which YAML reads a bare yes or no"
            )
        return value


def validated(kind: type[Model], value: Any, where: str) -> Model:
    """Validate a value as a `kind`.

    Raises:
        InputError: says `where` and what the first error is.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise InputError(f"{where}: {first_problem(error)}") from error


class _Errors(Protocol):
    def errors(self) -> Any: ...


def first_problem(error: _Errors) -> str:
    """The first error as a sentence, such as `steps: at least 1 was expected, got 0`."""
    return problem_of(error.errors()[0])


def problem_of(first: Mapping[str, Any]) -> str:
    """One of an error's `errors()` as a sentence."""
    place = ".".join(str(part) for part in first["loc"] if not _is_type(part))
    kind, received = first["type"], first.get("input")
    text = _EXPECTED.get(kind, "").format(
        **{
            key: f"{value:g}" if isinstance(value, float) else value
            for key, value in first.get("ctx", {}).items()
        }
    )
    text = text or first["msg"][:1].lower() + first["msg"][1:]
    if kind not in ("value_error", "missing", "extra_forbidden") and (
        received is None or isinstance(received, str | int | float)
    ):
        text += f", got {received!r:.60}"
    return f"{place}: {text}" if place else text


def _is_type(part: object) -> bool:
    """Is this part of a place a type? Pydantic names the types where it tried several."""
    tried = ("bool", "dict", "int", "float", "str")
    return not isinstance(part, str | int) or part in tried or str(part).startswith("literal[")


def plain_name(name: str) -> str:
    """Return a name if files can be kept under it.

    Raises:
        InputError: they can't.
    """
    if not re.fullmatch(NAME, name):
        raise InputError(
            "letters, digits, dots and dashes were expected, beginning with a letter or digit, "
            f"got {name!r:.60}"
        )
    return name
