"""Ids, texts and grades of files: taken as they are, or refused. Nothing is made up.

JSON's null is not the text "None", NaN not "nan", 1.9 not the grade 1. Ids have no white space,
because it separates the columns of runs and qrels, and nothing invisible, such as the byte order
mark of a file that was appended to another.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from optical_core.errors import InputError

T = TypeVar("T")

LARGEST_GRADE = 10_000
"""trec_eval counts up to the largest grade: one of ten digits would fill the memory."""
_NO_ID = re.compile(
    r"[\s\x00-\x1f\x7f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
"""White space, and characters that nobody sees: an id with one of them matches no other. Joiners
(U+200C, U+200D) stay: Persian and Hindi words need them."""
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_GRADE = re.compile(r"[+-]?[0-9]+(\.0*)?")


class Row(dict[str, Any]):
    """The fields of one line or row. Every error begins with `where`: file and line."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        super().__init__(values)
        self.where = where

    def id(self, key: str) -> str:
        return identifier(self[key], f"{self.where}: {key}")

    def text(self, key: str) -> str:
        """A text field; null is refused."""
        return text(self[key], f"{self.where}: {key}")

    def text_or_empty(self, key: str) -> str:
        """A text field; empty if it is null or missing."""
        return "" if self.get(key) is None else self.text(key)


def identifier(value: object, where: str) -> str:
    """An id of a query or passage: text without white space, or a whole number.

    Raises:
        InputError: the value is neither.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise InputError(f"{where}: {_shown(value)} is no id: text or a whole number was expected")
    if not value or _NO_ID.search(value):
        raise InputError(
            f"{where}: {value!r} can't be the id of a query or passage: it is empty, or has a "
            "blank, a tab, a line's end, a control or an invisible character in it, which runs and "
            "qrels can't contain"
        )
    return value


def text(value: object, where: str) -> str:
    """A text; a whole number counts as one.

    Raises:
        InputError: the value is neither; null isn't either.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise InputError(f"{where}: {_shown(value)} is no text")
    return value


def grade(value: object, where: str) -> int:
    """A judgement's grade: a whole number in ASCII digits, `2` or `2.0`, as trec_eval reads them.

    Raises:
        InputError: the value is no such number, or is beyond `LARGEST_GRADE`.
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


def number_of(text: str, where: str) -> float:
    """A finite number in ASCII digits: not `1_0`, nor digits of other scripts, which Python reads.

    Raises:
        InputError: the text is none.
    """
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: {text!r} is not a number")
    return value


def add_once(entries: dict[str, T], key: str, value: T, where: str, *, again: bool = False) -> None:
    """Enter the value of an id.

    Args:
        entries: id -> value, so far.
        key: the id.
        value: its value.
        where: file and line, with which the error begins.
        again: may the id come again with the same value?

    Raises:
        InputError: the id is there already; the order of lines must not decide.
    """
    if key in entries and not (again and entries[key] == value):
        raise InputError(f"{where}: the id {key!r} comes twice")
    entries[key] = value


def _shown(value: object) -> str:
    return "null" if value is None else f"{str(value)[:40]!r}"
