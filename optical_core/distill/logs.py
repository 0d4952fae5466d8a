"""A run's files for those who watch it, quick to read: stage.json, log.csv, dev.csv.

And what tells them that a checkpoint is complete.
"""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from optical_core.data.lines import read_json
from optical_core.errors import InputError
from optical_core.storage import replace_file


def read_log(path: Path) -> list[dict[str, Any]]:
    """Read the rows of log.csv or dev.csv, as texts; none if there is no such file yet.

    Raises:
        InputError: the file is damaged.
    """
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is damaged: remove it") from error


def write_log(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows whose columns may differ, all or none."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with replace_file(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


COMPLETE = "complete.json"
"""The last file written into a checkpoint, with the hashes of the others. A checkpoint without it,
or with changed files, is never used."""
CONFIG, LOG, STAGE, _STOP = "config.json", "log.csv", "stage.json", "stop"
TRAINING = "training"
"""What a run is doing while it takes steps."""


class TrainingStoppedError(InputError):
    """Somebody asked the training to stop; it can go on from its last step."""


@dataclass(frozen=True)
class Stage:
    """What a run is doing now.

    Attributes:
        doing: in words.
        step: the last one done; 0 before the first.
        seconds_left: estimated; None if not known.
    """

    doing: str
    step: int = 0
    seconds_left: float | None = None


def write_stage(folder: Path, stage: Stage) -> None:
    """Write down what a run is doing, if it has a folder yet: a run that can't start gets none."""
    if folder.is_dir():
        with replace_file(folder / STAGE) as temporary:
            temporary.write_text(json.dumps(asdict(stage)), encoding="utf-8")


def read_stage(folder: Path) -> Stage:
    """Read a run's stage; `starting` if there is none that can be read."""
    try:
        return Stage(**read_json(folder / STAGE))
    except (InputError, OSError, TypeError):
        return Stage("starting")


def ask_to_stop(folder: Path) -> None:
    """Ask a run that takes steps to end after the present one, with a checkpoint."""
    (folder / _STOP).touch()


def asked_to_stop(folder: Path) -> bool:
    """Tell whether a run was asked to end."""
    return (folder / _STOP).exists()


def forget_stop(folder: Path) -> None:
    """Forget that a run was asked to end."""
    (folder / _STOP).unlink(missing_ok=True)
