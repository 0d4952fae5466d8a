"""Ids, texts and grades as files have them: taken as they are, or refused; nothing is made up.

JSON's null is not the text "None", NaN not "nan", 1.9 not the grade 1. Ids have no white space:
runs and qrels separate their columns by it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from optical_core.errors import InputError

T = TypeVar("T")

LARGEST_GRADE = 10_000
"""trec_eval counts up to the largest grade: one of ten digits fills the memory."""
_NO_ID = re.compile(r"[\s\x00-\x1f\x7f]")
_GRADE = re.compile(r"[+-]?[0-9]+(\.0*)?")


class Row(dict[str, Any]):
    """The fields of one line or row; `where` (file and line) opens every complaint."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        super().__init__(values)
        self.where = where

    def id(self, key: str) -> str:
        return identifier(self[key], f"{self.where}: {key}")

    def text(self, key: str) -> str:
        """A text; null is refused."""
        return text(self[key], f"{self.where}: {key}")

    def text_or_empty(self, key: str) -> str:
        """A text; empty where it is null or missing."""
        return "" if self.get(key) is None else self.text(key)


def identifier(value: object, where: str) -> str:
    """An id of a query or passage: text without white space, or a whole number.

    Raises InputError.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise InputError(f"{where}: {_shown(value)} is no id: text or a whole number was expected")
    if not value or _NO_ID.search(value):
        raise InputError(
            f"{where}: {value!r} can't be the id of a query or passage: it is empty, or has a "
            "blank, a tab, a line's end or a control character in it, which runs and qrels can't "
            "hold"
        )
    return value


def text(value: object, where: str) -> str:
    """A text, or a whole number for one. Raises InputError, also for null."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise InputError(f"{where}: {_shown(value)} is no text")
    return value


def grade(value: object, where: str) -> int:
    """A judgement's grade: a whole number in ASCII digits, `2` or `2.0`, as trec_eval reads them.

    Raises InputError: anything else, or beyond `LARGEST_GRADE`.
    """
    number = None
    if isinstance(value, str) and len(value) < 20 and _GRADE.fullmatch(value):
        number = int(value.partition(".")[0])
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        number = int(value) if value == int(value) else None
    if number is None or abs(number) > LARGEST_GRADE:
        raise InputError(
            f"{where}: {_shown(value)} is no grade: a whole number of at most {LARGEST_GRADE:,} "
            "was expected"
        )
    return number


def add_once(found: dict[str, T], key: str, value: T, where: str, *, again: bool = False) -> None:
    """Enter what an id stands for; with `again` it may come again if it stands for the same.

    Raises InputError for an id that is there already: no order of lines may decide.
    """
    if key in found and not (again and found[key] == value):
        raise InputError(f"{where}: the id {key!r} comes twice")
    found[key] = value


def _shown(value: object) -> str:
    return "null" if value is None else f"{str(value)[:40]!r}"
