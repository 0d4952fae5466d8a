"""Passages of single files, the parts of a large corpus."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from pathlib import Path

from optical_core.data.allowance import step
from optical_core.data.collection import Passage
from optical_core.data.compression import plain_name
from optical_core.data.fields import Row
from optical_core.data.folders import data_files
from optical_core.data.lines import read_jsonl
from optical_core.errors import InputError

FORMS = (".jsonl", ".parquet")
"""JSON Lines may be compressed (see `compression`)."""


def passage_files(paths: list[Path]) -> list[Path]:
    """The passage files that paths stand for, in the order given; a folder's are sorted by name.

    Raises:
        InputError: a file has another form, or a folder has no passage files.
    """
    collected: list[Path] = []
    for path in paths:
        files = list(filter(_is_known, data_files(path, deep=False))) if path.is_dir() else [path]
        if not files or not all(map(_is_known, files)):
            raise InputError(f"{path}: files of passages end in {', '.join(FORMS)}")
        collected += files
    return collected


def read_passages(path: Path) -> Iterator[Passage]:
    """Stream the passages of a file: `_id`, `text`, where there is one `title`, and other fields.

    Raises:
        InputError: the file is missing or damaged, or lacks the fields.
    """
    yield from map(Passage.from_row, read_rows(path, ("_id", "text")))


def _is_known(path: Path) -> bool:
    return path.suffix == ".parquet" or plain_name(path.name).endswith(".jsonl")


def read_rows(path: Path, required: tuple[str, ...]) -> Iterator[Row]:
    """Stream the rows of a Parquet or JSON Lines file, each with all its fields.

    Raises:
        InputError: the file is missing or damaged, or lacks a required field.
    """
    is_parquet = path.suffix == ".parquet"
    return parquet_rows(path, required, None) if is_parquet else read_jsonl(path, required)


def parquet_rows(
    path: Path, required: tuple[str, ...], optional: tuple[str, ...] | None = ()
) -> Iterator[Row]:
    """Stream the rows of a Parquet file, with the required and the optional columns (None: all).

    Dates and times become texts in ISO 8601, so that rows can be written as JSON.

    Raises:
        InputError: the file is damaged, or lacks the columns.
    """
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            names = file.schema_arrow.names
            for name in required:
                if name not in names:
                    raise InputError(f"{path}: no column {name!r} (has {', '.join(names)})")
            wanted = names if optional is None else (*required, *optional)
            columns = [name for name in wanted if name in names]
            batches = file.iter_batches(batch_size=1024, columns=columns)
            rows = (values for batch in batches for values in batch.to_pylist())
            for number, values in enumerate(rows, 1):
                if number % 1024 == 1:
                    step(f"{path.name}, row {number:,}")
                where = f"{path}, row {number}"
                yield Row({name: _plain(value, where) for name, value in values.items()}, where)
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"cannot read {path}: {str(error).splitlines()[0]}") from error


def _plain(value: object, where: str) -> object:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        raise InputError(f"{where}: a column of bytes can't be kept; leave it out of the file")
    return value
