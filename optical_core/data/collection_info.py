"""What collection.json says of a collection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict, field_validator

from optical_core.data.languages import language
from optical_core.errors import InputError


def check_name(name: str) -> None:
    """Check the name of a collection.

    Its folder and those of its indexes and results have that name: it must not lead elsewhere.

    Raises:
        InputError: no collection can be kept under the name.
    """
    if not re.fullmatch(r"[^./\\\0-\x1f][^/\\\0-\x1f]{0,150}", name):
        raise InputError(
            f"{name!r} can't name a collection: up to 150 characters were expected, no slashes, "
            "not beginning with a dot"
        )


def is_parallel(queries: Mapping[str, Iterable[str]]) -> bool:
    """Tell whether all languages have queries of the same ids.

    Args:
        queries: language -> ids.

    Examples:
        >>> is_parallel({"en": {"q1": "sea"}, "sw": {"q1": "bahari"}}), is_parallel({})
        (True, False)
    """
    return len({frozenset(ids) for ids in queries.values()}) == 1


class CollectionInfo(BaseModel):
    """Content of collection.json.

    Attributes:
        name: up to 150 characters, no slashes, not beginning with a dot.
        description: one or two sentences.
        licence: name of the licence.
        source: where it was published.
        languages: codes of the query languages, as its files are named.
        parallel: are the information needs the same in every language?
        passage_language: code of the passages' language; None if it isn't known.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str = ""
    licence: str
    source: str
    languages: tuple[str, ...]
    parallel: bool
    passage_language: str | None = "en"

    @field_validator("name")
    @classmethod
    def _no_path(cls, name: str) -> str:
        check_name(name)
        return name

    @field_validator("passage_language")
    @classmethod
    def _one_form(cls, code: str | None) -> str | None:
        return code and language(code).code

    @field_validator("languages")
    @classmethod
    def _codes(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        """Codes may have any form: a language's files are named by it."""
        known: dict[str, str] = {}
        for code in codes:
            if not re.fullmatch(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]+)*", code):
                raise ValueError(f"{code!r} is no language code")
            entry = language(code)
            if entry.code in known:
                raise ValueError(f"{known[entry.code]} and {code} are both {entry.name}")
            known[entry.code] = code
        return codes
