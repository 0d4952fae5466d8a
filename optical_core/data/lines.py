"""Reading text files line by line, with errors that name the file and the line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from optical_core.data.compression import DAMAGE, open_plain
from optical_core.data.fields import Row, add_once, identifier
from optical_core.errors import InputError
from optical_core.storage import check_path

LONGEST = 1 << 26
"""Bytes that a line may have. A few kilobytes of gzip can hold a line that fills the memory."""
BLANK = 1_000_000
"""Blank lines that may follow one another: a megabyte of zip can hold a thousand times as many."""


def read_lines(
    path: Path | str, *, fallback: str | None = None, may_be_empty: bool = False
) -> Iterator[tuple[int, str]]:
    """Yield (line number, line without its end); a BOM is dropped.

    gzip, bzip2, xz and zstd are read through (see `compression`).

    Lines end at \\n or \\r\\n alone: text may hold U+2028 and its like. `fallback`: the encoding of
    the lines that aren't UTF-8, in collections older than it.

    Raises InputError: no such file, a folder, an empty file, a damaged or other compression, not
    UTF-8, or a line of more than `LONGEST` bytes.
    """
    path = Path(path)
    check_path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder, a file was expected")
    if not path.exists():
        raise InputError(f"no such file: {path}")
    number = filled = 0
    try:
        with open_plain(path) as file:
            for number, raw in enumerate(iter(partial(file.readline, LONGEST), b""), 1):
                if len(raw) == LONGEST:
                    raise InputError(
                        f"{path}, line {number}: longer than {LONGEST >> 20} MB; is it text?"
                    )
                if raw not in (b"\n", b"\r\n"):
                    filled = number
                elif number - filled > BLANK:
                    raise InputError(f"{path}, line {number}: more than {BLANK:,} blank lines")
                try:
                    text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError:
                    if fallback is None:
                        raise
                    text = raw.decode(fallback)
                yield number, text.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}, line {number}: not UTF-8 (byte {error.start + 1}); save the file as UTF-8"
        ) from error
    except DAMAGE as error:
        where = f" after line {number}" if number else ""
        raise InputError(f"cannot read {path}{where}: {error}") from error
    if number == 0 and not may_be_empty:
        raise InputError(f"{path} is empty")


def read_columns(path: Path | str, names: tuple[str, ...]) -> Iterator[list[str]]:
    """Yield the tab-separated columns of each line; blank lines are passed over.

    The last column takes what is left of the line, tabs included.

    Raises InputError: a line of fewer columns than there are `names`.
    """
    for _, columns in _columns(path, names):
        yield columns


def read_table(path: Path | str, names: tuple[str, ...]) -> Iterator[list[str]]:
    """`read_columns` of which the first is an id: without the blanks around it."""
    for where, (first, *others) in _columns(path, names):
        yield [identifier(first.strip(), where), *others]


def read_topics(path: Path | str, names: tuple[str, ...] = ("query id", "query")) -> dict[str, str]:
    """Query id -> text, of a table whose first column is the id and last the text.

    Raises InputError: as `read_table`, or an id that comes twice.
    """
    found: dict[str, str] = {}
    for where, (first, *others) in _columns(path, names):
        add_once(found, identifier(first.strip(), where), others[-1].strip(), where)
    return found


def _columns(path: Path | str, names: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    for number, line in read_lines(path):
        if not line.strip():
            continue
        columns = line.split("\t", len(names) - 1)
        if len(columns) < len(names):
            raise InputError(
                f"{path}, line {number}: {len(names)} tab-separated columns were expected "
                f"({', '.join(names)}), this line has {len(columns)}"
            )
        yield f"{path}, line {number}", columns


def check_characters(text: str, what: str) -> None:
    """Raise InputError for half a surrogate pair, as bytes that are no UTF-8 become in arguments.

    No encoder takes such a text, and nothing can be written that has it.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{what} has half a character ({text[error.start]!r}, the {error.start + 1}th): "
            "give it as whole UTF-8"
        ) from error


def parse_json(text: str, where: str) -> Any:
    """The value of a JSON text; `where` opens every complaint.

    Half a surrogate pair is refused: such a text could never be written to a file again. So is a
    field that an object has twice: which one counts?
    """
    try:
        value = json.loads(text, object_pairs_hook=_object)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{where}: an escape \\ud… that is half a character") from error
    except _TwiceError as error:
        raise InputError(f"{where}: the field {str(error)!r} comes twice") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON ({error})") from error
    return value


class _TwiceError(ValueError):
    """A field that comes twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return found


def parse_object(text: str, where: str, required: tuple[str, ...]) -> Row:
    """One JSON object with the required keys; `where` (file and line) opens every complaint."""
    value = parse_json(text, where)
    if not isinstance(value, dict):
        raise InputError(f"{where}: a JSON object was expected, not {type(value).__name__}")
    missing = [key for key in required if key not in value]
    if missing:
        raise InputError(f"{where}: no field {missing[0]!r} (has {', '.join(value) or 'none'})")
    return Row(value, where)


def read_queries(path: Path | str) -> dict[str, str]:
    """Query id -> text of a JSON Lines file of {"_id", "text"}.

    Raises InputError: an id that comes twice, or what is no id or text.
    """
    found: dict[str, str] = {}
    for row in read_jsonl(path, ("_id", "text")):
        add_once(found, row.id("_id"), row.text("text"), row.where)
    return found


def read_jsonl(path: Path | str, required: tuple[str, ...] = ()) -> Iterator[Row]:
    """Yield the objects of a JSON Lines file; blank lines are passed over."""
    for number, line in read_lines(path):
        if line.strip():
            yield parse_object(line, f"{path}, line {number}", required)


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write objects as `read_jsonl` reads them.

    Raises UnicodeEncodeError: half a surrogate pair.
    """
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_json(path: Path | str) -> Any:
    """The value of a JSON file."""
    return parse_json(read_text(path), str(path))


def read_text(path: Path | str) -> str:
    """A whole file, its lines ended by \\n; raises as `read_lines`."""
    return "\n".join(line for _, line in read_lines(path))
