"""Distillations as background jobs: they outlive the page that started them.

    runs/<name>/job.json     configuration, state, time, error (the process itself writes it)
    runs/<name>/process.json process number (written by who starts it)
    runs/<name>/output.log   what the process printed

One job trains at a time; the others wait for a lock. A job whose process is gone without having
said why (killed, or the machine went down) counts as stopped, and goes on from its checkpoint.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from pydantic import ValidationError

from optical_core.data.lines import read_json
from optical_core.distill.config import DistillConfig
from optical_core.errors import InputError
from optical_core.storage import home, replace_file

logger = logging.getLogger(__name__)

LIVE = ("queued", "running")
_JOB = "job.json"
_WORKER = "optical_core.distill.worker"
_PROCESS = "process.json"


@dataclass(frozen=True)
class Job:
    """A job as it stands: `state` is queued, running, finished, stopped or failed."""

    name: str
    state: str
    created: str
    config: DistillConfig
    error: str = ""

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def folder(self) -> Path:
        return home("runs", self.name)


def start_job(config: DistillConfig) -> Job:
    """Start a distillation in a process of its own; it queues behind others.

    Raises InputError if a job or a model has the name already.
    """
    path = home("runs", config.name) / _JOB
    if path.exists():
        raise InputError(f"a training {config.name!r} exists; choose another name")
    if path.parent.exists() or home("models", config.name).exists():
        raise InputError(f"the name {config.name!r} is taken; choose another name")
    record = {"config": config.model_dump(), "created": _now(), "state": "queued", "error": ""}
    _write(config.name, record)
    return _launch(config.name)


def resume_job(name: str) -> Job:
    """Go on with a stopped or failed job from its last checkpoint."""
    job = read_job(name)
    if job.live:
        raise InputError(f"the training {name!r} is {job.state} already")
    if job.state == "finished":
        raise InputError(f"the training {name!r} is finished")
    update_job(name, state="queued", error="")
    return _launch(name)


def stop_job(name: str) -> Job:
    """Stop a job; what was trained up to its last checkpoint stays."""
    process = _process(name)
    if process is not None:
        for one in [*process.children(recursive=True), process]:
            one.terminate()
        psutil.wait_procs([process], timeout=10)
        if process.is_running():
            process.kill()
    if read_job(name).state != "finished":
        update_job(name, state="stopped")
    return read_job(name)


def read_job(name: str) -> Job:
    """A job's state, checked against its process. Raises InputError for an unknown name."""
    record = _read(name)
    try:
        state = str(record["state"])
        config = DistillConfig.model_validate(record["config"])
        created, reason = str(record["created"]), str(record.get("error", ""))
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise InputError(f"{home('runs', name) / _JOB} is damaged") from error
    if state in LIVE and _process(name) is None:
        state = "stopped"
    return Job(name, state, created, config, reason)


def list_jobs() -> list[Job]:
    """All jobs, the newest first; damaged records are left out."""
    jobs = []
    for path in home("runs", "x").parent.glob(f"[!.]*/{_JOB}"):
        try:
            jobs.append(read_job(path.parent.name))
        except InputError as error:
            logger.warning("left out: %s", error)
    return sorted(jobs, key=lambda job: job.created, reverse=True)


def update_job(name: str, **changes: Any) -> None:
    """Change fields of a job's record."""
    _write(name, {**_read(name), **changes})


def _launch(name: str) -> Job:
    output = home("runs", name) / "output.log"
    with output.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 no shell; the name is checked
            [sys.executable, "-m", _WORKER, name],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _write(name, {"pid": process.pid}, _PROCESS)
    return read_job(name)


def _process(name: str) -> psutil.Process | None:
    """The job's process if it lives; a recycled process number is told by what it runs.

    Not by its start time, which moves with the clock of the machine.
    """
    try:
        process = psutil.Process(_read(name, _PROCESS)["pid"])
        same = process.cmdline()[-2:] == [_WORKER, name]
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (InputError, psutil.Error, KeyError, TypeError, ValueError):
        return None


def _read(name: str, file: str = _JOB) -> dict[str, Any]:
    path = home("runs", name) / file
    if not path.is_file():
        raise InputError(f"no training {name!r}")
    return read_json(path)


def _write(name: str, record: dict[str, Any], file: str = _JOB) -> None:
    with replace_file(home("runs", name) / file) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
