"""log.csv and dev.csv of a run: light to read, since pages look at them every few seconds."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from optical_core.storage import replace_file


def read_log(path: Path) -> list[dict[str, Any]]:
    """Rows of log.csv or dev.csv, as texts; none if there is no such file yet."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_log(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows whose columns may differ, whole or not at all."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with replace_file(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
