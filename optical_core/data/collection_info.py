"""What collection.json says of a collection."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, field_validator

from optical_core.data.languages import language
from optical_core.errors import InputError


def check_name(name: str) -> None:
    """Raise InputError for a name under which no collection can be kept.

    Its folder and those of its indexes and results are called so: it must not lead elsewhere.
    """
    if not re.fullmatch(r"[^./\\\0-\x1f][^/\\\0-\x1f]{0,150}", name):
        raise InputError(
            f"{name!r} can't name a collection: up to 150 characters were expected, no slashes, "
            "not beginning with a dot"
        )


class CollectionInfo(BaseModel):
    """Content of collection.json. `parallel`: the same information needs in every language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str = ""
    licence: str
    source: str
    languages: tuple[str, ...]
    parallel: bool

    @field_validator("name")
    @classmethod
    def _no_path(cls, name: str) -> str:
        check_name(name)
        return name

    @field_validator("languages")
    @classmethod
    def _codes(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        """A language's code, in any of its forms, is the name of its files."""
        known: dict[str, str] = {}
        for code in codes:
            if not re.fullmatch(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]+)*", code):
                raise ValueError(f"{code!r} is no language code")
            found = language(code)
            if found.code in known:
                raise ValueError(f"{known[found.code]} and {code} are both {found.name}")
            known[found.code] = code
        return codes
