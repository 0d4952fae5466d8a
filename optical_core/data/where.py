"""Filters: conditions on the fields of passages, in SQL, evaluated by SQLite.

`year >= 2020 and source = 'bbc'` chooses passages by the extra fields of corpus.jsonl, by `_id` and
`title`, and by `_language`, the code of the language that a passage says that it is in. The fields
are in a database in memory, which is read-only once it is filled. SQLite's authorizer allows
nothing but reading it and some functions of values: a condition comes from users of a server, too.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections.abc import Iterable
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from optical_core.data.corpus import Passage
from optical_core.data.lines import check_characters
from optical_core.errors import InputError
from optical_core.wording import first_of

LONGEST = 2000
"""Characters of a condition."""
SECONDS = 2.0
"""Most time that a condition may take."""
MOST_FIELDS = 500
"""Different fields that passages of a collection may have for them to be filtered."""
LANGUAGE = "_language"
"""Column of the passages' languages, if they say any."""
_KEPT = 32
"""Conditions whose passages are remembered."""
_LIMITS = {
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 25_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}
_FUNCTIONS = frozenset(
    "abs coalesce date datetime glob ifnull iif instr json_extract -> ->> julianday length like "
    "lower ltrim max min nullif round rtrim strftime substr substring time trim typeof unixepoch "
    "upper".split()
)
_TEXT_OR_FIELD = re.compile(r"""'(?:[^']|'')*'|"((?:[^"]|"")*)"|--[^\n]*|/\*.*?\*/""", re.DOTALL)
_FOLDED = str.maketrans(ascii_uppercase, ascii_lowercase)
"""SQLite takes these capitals for small letters, and no others."""
_QUERY = "SELECT _id FROM passages WHERE CASE WHEN (\n{where}\n) THEN 1 END"


class FieldTable:
    """The fields of a collection's passages, ready to be filtered.

    Examples:
        >>> table = FieldTable([Passage("p1", "", "", {"year": 2019}), Passage("p2", "", "")])
        >>> table.matching("year < 2020"), table.matching("year is null")
        (frozenset({'p1'}), frozenset({'p2'}))
        >>> table.matching("(select 1)")
        Traceback (most recent call last):
        ...
        optical_core.errors.InputError: the condition '(select 1)' can't be used: it may only \
compare fields; there are _id, title, year
    """

    def __init__(self, passages: Iterable[Passage]) -> None:
        """Read the fields of passages.

        Raises:
            InputError: there are too many fields, or a passage has two values of one.
        """
        rows = [_row(passage) for passage in passages]
        names = sorted({name for row in rows for name in row} - {"_id", "title"})
        if len(names) > MOST_FIELDS:
            raise InputError(
                f"the passages have {len(names)} different fields; with more than {MOST_FIELDS} "
                "they can't be filtered"
            )
        self.names = ("_id", "title", *names)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        # NUMERIC: a year that is written as a text is still a number.
        columns = ", ".join(f"{_quoted(name)} NUMERIC" for name in names)
        self._database.execute(
            f"CREATE TABLE passages (_id TEXT, title TEXT{', ' * bool(columns)}{columns})"
        )
        marks = ", ".join("?" * len(self.names))
        self._database.executemany(
            f"INSERT INTO passages VALUES ({marks})",  # noqa: S608 question marks
            ([_value(row.get(name)) for name in self.names] for row in rows),
        )
        self._database.commit()
        self._database.execute("PRAGMA query_only = ON")
        for limit, value in _LIMITS.items():
            self._database.setlimit(limit, value)
        # Not a decorator: a table that is dropped takes its cache with it.
        self._kept = lru_cache(_KEPT)(self._matching)

    def matching(self, where: str) -> frozenset[str]:
        """Ids of the passages that a condition holds for.

        Raises:
            InputError: it is no condition on the fields, or takes too long.
        """
        # A condition may name the present date: its answer is kept for an hour.
        return self._kept(where, int(time.time() // 3600))

    def _matching(self, where: str, hour: int) -> frozenset[str]:
        check_characters(where, "the condition")
        if len(where) > LONGEST:
            raise InputError(
                f"the condition has {len(where):,} characters, at most {LONGEST:,} are taken"
            )
        if not where.strip():
            raise InputError("the condition is empty")
        self._check_quoted(where)
        with self._lock:
            self._guard()
            try:
                rows = self._database.execute(_QUERY.format(where=where))
                return frozenset(identifier for (identifier,) in rows)
            except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
                raise InputError(
                    f"the condition {where[:80]!r} can't be used: {self._reason(error)}"
                ) from error
            finally:
                self._database.set_authorizer(None)
                self._database.set_progress_handler(None, 0)

    def _check_quoted(self, where: str) -> None:
        """Refuse unknown fields in double quotes: SQLite takes them for texts, without a word.

        Raises:
            InputError: there is one.
        """
        known = set(self.names)
        for found in _TEXT_OR_FIELD.finditer(where):
            name = (found[1] or "").replace('""', '"')
            if found[1] is not None and name.translate(_FOLDED) not in known:
                raise InputError(
                    f"the condition {where[:80]!r} can't be used: there is no field {name!r}, and "
                    f"texts are in single quotes; there are {self._shown()}"
                )

    def _shown(self) -> str:
        return first_of(self.names, 12)

    def _guard(self) -> None:
        """Allow one SELECT of the fields, for a while."""
        selects = 0
        end = time.monotonic() + SECONDS

        def allowed(action: int, first: str | None, second: str | None, *_: Any) -> int:
            nonlocal selects
            if action == sqlite3.SQLITE_SELECT:
                selects += 1
                fine = selects == 1
            elif action == sqlite3.SQLITE_READ:
                fine = first == "passages"
            else:
                fine = action == sqlite3.SQLITE_FUNCTION and str(second).lower() in _FUNCTIONS
            return sqlite3.SQLITE_OK if fine else sqlite3.SQLITE_DENY

        self._database.set_authorizer(allowed)
        self._database.set_progress_handler(lambda: time.monotonic() > end, 10_000)

    def _reason(self, error: Exception) -> str:
        text = str(error).splitlines()[0].rstrip(":\"' ")
        # THEN and the last bracket are ours, not the user's.
        if 'near "THEN"' in text:
            text = "a closing bracket is missing"
        if 'near ")"' in text:
            text = "a value is missing at its end, or before a closing bracket that may be too many"
        if "interrupted" in text:
            return f"it takes more than {SECONDS:g} s"
        if any(word in text for word in ("authoriz", "prohibited", "one statement")):
            text = "it may only compare fields"
        return f"{text}; there are {self._shown()}"


def _row(passage: Passage) -> dict[str, Any]:
    """What a passage can be chosen by. SQL doesn't tell Year from year: they are one field.

    Raises:
        InputError: both are there, with different values.
    """
    row: dict[str, Any] = {"_id": passage.id, "title": passage.title}
    for spelled, value in passage.fields.items():
        name = spelled.translate(_FOLDED)
        if name in row and row[name] != value:
            raise InputError(
                f"the passage {passage.id!r} has two values for the field {name!r}, spelled in "
                "capitals and in small letters: with both, passages can't be filtered"
            )
        row[name] = value
    if passage.language:
        row[LANGUAGE] = passage.language
    return row


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _value(value: object) -> object:
    """A field's value as SQLite takes it: lists and objects as JSON."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value) if abs(value) < 10**300 else str(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return value


def in_languages(codes: Iterable[str], where: str = "") -> str:
    """A condition for passages in some languages, and another one.

    Args:
        codes: of the languages, in their one form; none for any.
        where: another condition; empty for none.

    Examples:
        >>> in_languages(["sw", "so"], "year > 2000")
        "(year > 2000) and _language in ('sw', 'so')"
    """
    listed = ", ".join(f"'{code}'" for code in codes)
    within = f"{LANGUAGE} in ({listed})" if listed else ""
    if where.strip() and within:
        return f"({where}) and {within}"
    return where or within
