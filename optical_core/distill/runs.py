"""All trainings on this machine: the page's jobs, and what `distill` and `teach` trained."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from optical_core.data.lines import read_json
from optical_core.distill.jobs import JOB, Job, list_jobs
from optical_core.distill.logs import CONFIG
from optical_core.distill.settings import saved_config
from optical_core.errors import InputError
from optical_core.storage import home, is_held

logger = logging.getLogger(__name__)


def list_runs() -> list[Job]:
    """List all trainings, the newest first; damaged records are left out, with a warning.

    A training of the command line has no job: only its own command continues it.

    Examples:
        >>> [(run.name, run.state) for run in list_runs()]  # doctest: +SKIP
        [('my-teacher', 'finished'), ('mine', 'running')]
    """
    runs = list_jobs()
    for path in home("runs", "x").parent.glob(f"[!.]*/{CONFIG}"):
        if not (path.parent / JOB).exists():
            try:
                runs.append(_read(path))
            except InputError as error:
                logger.warning("left out: %s", error)
    return sorted(runs, key=lambda run: run.created, reverse=True)


def _read(path: Path) -> Job:
    """Read a run of the command line from its configuration."""
    name = path.parent.name
    try:
        config = saved_config(read_json(path))
    except ValidationError as error:
        raise InputError(f"{path} is damaged") from error
    state = "stopped"
    if (home("models", name) / "record.json").exists():
        state = "finished"
    elif is_held(path.parent):
        state = "running"
    created = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="milliseconds")
    return Job(name, state, created, config, resumable=False)
