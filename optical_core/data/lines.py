"""Reading text files line by line, with errors that name the file and the line."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from optical_core.data.compression import DAMAGE, open_plain
from optical_core.data.fields import Row, add_once, identifier
from optical_core.errors import InputError
from optical_core.paths import check_path

LONGEST = 1 << 26
"""Bytes that a line may have. A few kilobytes of gzip can unpack to a line that fills memory."""
BLANK = 1_000_000
"""Blank lines in a row that are allowed: a megabyte of zip can unpack to a thousand times that."""

_UNSEEN = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp"))
"""Unicode's categories of characters without a shape."""
_IDS = frozenset(
    "id _id qid query_id query-id queryid topic_id topic-id docid doc_id docno pid passage_id "
    "passage-id corpus-id corpus_id".split()
)
_TEXTS = frozenset("text query title topic question passage document contents sentence".split())
"""What tables call their column of ids, and one of texts."""


def read_lines(
    path: Path | str, *, fallback: str | None = None, may_be_empty: bool = False
) -> Iterator[tuple[int, str]]:
    """Yield (line number, line without its end) of a text file; a BOM is dropped.

    gzip, bzip2, xz and zstd are unpacked (see `compression`). Only \\n and \\r\\n end a line: text
    may contain U+2028 and the like.

    Args:
        path: the file.
        fallback: encoding of lines that aren't UTF-8, for collections older than UTF-8.
        may_be_empty: is an empty file allowed?

    Raises:
        InputError: there is no such file, or it is a folder, is empty, is damaged, is compressed in
            another way, isn't UTF-8, has a line of more than `LONGEST` bytes, or its lines end in
            \\r alone, which would make it one line.
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
                if number == 1 and b"\r" in raw.rstrip(b"\r\n") and not raw.endswith(b"\n"):
                    raise InputError(
                        f"{path}: its lines end in a carriage return alone, as on old Macs; save "
                        "it with line feeds"
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

    The last column is the rest of the line, tabs included.

    Raises:
        InputError: a line has fewer columns than `names`.
    """
    for _, columns in _columns(path, names):
        yield columns


def read_table(path: Path | str, names: tuple[str, ...]) -> Iterator[list[str]]:
    """Read columns with `read_columns`; the first is an id, without the blanks around it.

    A first line that names the columns is passed over.
    """
    for where, (first, *rest) in _rows(path, names):
        yield [identifier(first.strip(), where), *rest]


def read_topics(path: Path | str, names: tuple[str, ...] = ("query id", "query")) -> dict[str, str]:
    """Query id -> text, from a table whose first column is the id and whose last is the text.

    Raises:
        InputError: as for `read_table`, or an id comes twice.
    """
    topics: dict[str, str] = {}
    for where, (first, *rest) in _rows(path, names):
        add_once(topics, identifier(first.strip(), where), rest[-1].strip(), where)
    return topics


def _rows(path: Path | str, names: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """`_columns` without the line that names them, if the first one does."""
    for number, (where, columns) in enumerate(_columns(path, names)):
        first, *rest = (column.strip().lower() for column in columns)
        if number or first not in _IDS or not _TEXTS.intersection(rest):
            yield where, columns


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


def check_characters(text: str, label: str) -> None:
    """Refuse a text with half a surrogate pair, as Python makes of arguments that aren't UTF-8.

    Such a text can be neither encoded nor written.

    Raises:
        InputError: the text has one.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{label} has half a character ({text[error.start]!r} at place {error.start + 1}): "
            "give it as whole UTF-8"
        ) from error


def is_blank(text: str) -> bool:
    """Is there nothing in a text that could be read: white space, control and format characters?

    Examples:
        >>> is_blank(" \\u200b\\x00"), is_blank("bahari")
        (True, False)
    """
    return all(unicodedata.category(character) in _UNSEEN for character in text)


def parse_json(text: str, where: str) -> Any:
    """Parse a JSON text.

    Args:
        text: the JSON.
        where: the error begins with it.

    Raises:
        InputError: it is no JSON; or a text has half a surrogate pair, which couldn't be written
            again; or an object has a field twice, and it is unclear which one counts.
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
    """A field of an object comes twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return fields


def parse_object(text: str, where: str, required: tuple[str, ...]) -> Row:
    """Parse a JSON object with the required keys.

    Args:
        text: the JSON.
        where: file and line, with which every error begins.
        required: keys that the object must have.

    Raises:
        InputError: it is no JSON object, or lacks a key.
    """
    value = parse_json(text, where)
    if not isinstance(value, dict):
        raise InputError(f"{where}: a JSON object was expected, not {type(value).__name__}")
    missing = [key for key in required if key not in value]
    if missing:
        raise InputError(f"{where}: no field {missing[0]!r} (has {', '.join(value) or 'none'})")
    return Row(value, where)


def read_queries(path: Path | str) -> dict[str, str]:
    """Query id -> text, from a JSON Lines file of {"_id", "text"}.

    Raises:
        InputError: an id comes twice, or a field is no id or no text.
    """
    queries: dict[str, str] = {}
    for row in read_jsonl(path, ("_id", "text")):
        add_once(queries, row.id("_id"), row.text("text"), row.where)
    return queries


def read_jsonl(path: Path | str, required: tuple[str, ...] = ()) -> Iterator[Row]:
    """Yield the objects of a JSON Lines file; blank lines are passed over."""
    for number, line in read_lines(path):
        if line.strip():
            yield parse_object(line, f"{path}, line {number}", required)


def write_jsonl(
    path: Path, rows: Iterable[Mapping[str, Any]], *, opener: Callable[..., Any] = open
) -> None:
    """Write objects as `read_jsonl` reads them; `opener` opens the file as `open` does.

    Raises:
        UnicodeEncodeError: a text has half a surrogate pair.
    """
    with opener(path, "wt", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_json(path: Path | str) -> Any:
    """The value of a JSON file."""
    return parse_json(read_text(path), str(path))


def read_text(path: Path | str) -> str:
    """A whole file, its lines separated by \\n.

    Raises:
        InputError: as for `read_lines`.
    """
    return "\n".join(line for _, line in read_lines(path))
