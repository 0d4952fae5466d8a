"""Trainings as background jobs: they outlive the page that started them.

    runs/<name>/job.json     configuration, state, time, error (written by the process itself)
    runs/<name>/process.json process number (written by the process that starts it)
    runs/<name>/output.log   the process's output

One job trains at a time; the others wait for a lock. If a job's process ended without giving a
reason (it was killed, or the machine went down), the job counts as stopped. It can be resumed from
its checkpoint.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from pydantic import ValidationError

from optical_core.data.lines import read_json
from optical_core.distill.config import DistillConfig
from optical_core.distill.logs import COMPLETE, TRAINING, ask_to_stop, read_stage
from optical_core.distill.settings import saved_config
from optical_core.distill.teach_config import TeachConfig
from optical_core.errors import InputError
from optical_core.models.info import check_free
from optical_core.retrieval.model_names import new_model_folder
from optical_core.storage import home, replace_file

logger = logging.getLogger(__name__)

LIVE = ("queued", "running")
JOB = "job.json"
_WORKER = "optical_core.distill.worker"
_PROCESS = "process.json"
PATIENCE = 20.0
"""Seconds that a training may take for the step at which it was asked to stop."""


@dataclass(frozen=True)
class Job:
    """A background job and its state.

    Attributes:
        name: of the job, and of its student.
        state: `queued`, `running`, `finished`, `stopped` or `failed`.
        created: when it was started, in ISO form (UTC).
        config: of the training.
        error: why it failed; empty if it didn't.
        resumable: whether it is a job, which `stop_job` and `resume_job` take.
    """

    name: str
    state: str
    created: str
    config: DistillConfig | TeachConfig
    error: str = ""
    resumable: bool = True

    @property
    def live(self) -> bool:
        """Whether it is queued or running."""
        return self.state in LIVE

    @property
    def folder(self) -> Path:
        """The run's folder, `runs/NAME`."""
        return home("runs", self.name)

    @property
    def kept(self) -> int:
        """The step after which it would go on: its last checkpoint's, or 0 without one."""
        whole = self.folder.glob(f"checkpoint-*/{COMPLETE}")
        return max((int(path.parent.name.rpartition("-")[2]) for path in whole), default=0)


def start_job(config: DistillConfig | TeachConfig) -> Job:
    """Start a training in its own process; it queues behind others.

    Raises:
        InputError: a job or a model has the name already, or it means another model.

    Examples:
        >>> start_job(DistillConfig(name="mine", bitext=("demo",))).state  # doctest: +SKIP
        'queued'
    """
    check_free(new_model_folder(config.name))
    record = {"config": config.model_dump(), "created": _now(), "state": "queued", "error": ""}
    _write(config.name, record)
    return _launch(config.name)


def resume_job(name: str) -> Job:
    """Resume a stopped or failed job from its last checkpoint.

    Raises:
        InputError: there is no such job, or it is live or finished.

    Examples:
        >>> resume_job("mine").state  # doctest: +SKIP
        'queued'
    """
    job = read_job(name)
    if job.live:
        raise InputError(f"the training {name!r} is {job.state} already")
    if job.state == "finished":
        raise InputError(f"the training {name!r} is finished")
    update_job(name, state="queued", error="")
    return _launch(name)


def stop_job(name: str) -> Job:
    """Stop a job. One that takes steps ends after the present step, with a checkpoint.

    If that takes longer than `PATIENCE`, it is ended at once, and its last checkpoint stays.

    Raises:
        InputError: there is no such job.

    Examples:
        >>> stop_job("mine").state  # doctest: +SKIP
        'stopped'
    """
    process = _process(name)
    if process is not None:
        job = read_job(name)
        if job.state == "running" and read_stage(job.folder).doing == TRAINING:
            ask_to_stop(job.folder)
            psutil.wait_procs([process], timeout=PATIENCE)
        _end(process)
    if read_job(name).state != "finished":
        update_job(name, state="stopped")
    return read_job(name)


def _end(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        for one in [*process.children(recursive=True), process]:
            one.terminate()
        psutil.wait_procs([process], timeout=10)
        if process.is_running():
            process.kill()


def read_job(name: str) -> Job:
    """Read a job's state, checked against its process.

    Raises:
        InputError: there is no such job, or its record is damaged.

    Examples:
        >>> read_job("mine").state  # doctest: +SKIP
        'running'
    """
    record = _read(name)
    try:
        state = str(record["state"])
        config = saved_config(record["config"])
        created, reason = str(record["created"]), str(record.get("error", ""))
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise InputError(f"{home('runs', name) / JOB} is damaged") from error
    if state in LIVE and _process(name) is None:
        state = "stopped"
    return Job(name, state, created, config, reason)


def list_jobs() -> list[Job]:
    """List all jobs, the newest first; damaged records are left out, with a warning.

    Examples:
        >>> [(job.name, job.state) for job in list_jobs()]  # doctest: +SKIP
        [('mine', 'running')]
    """
    jobs = []
    for path in home("runs", "x").parent.glob(f"[!.]*/{JOB}"):
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
    """Find the job's process if it is alive.

    A recycled process number is recognised by its command line, not by its start time, which moves
    with the machine's clock.
    """
    try:
        process = psutil.Process(_read(name, _PROCESS)["pid"])
        same = process.cmdline()[-2:] == [_WORKER, name]
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (InputError, psutil.Error, KeyError, TypeError, ValueError):
        return None


def _read(name: str, file: str = JOB) -> dict[str, Any]:
    path = home("runs", name) / file
    if not path.is_file():
        raise InputError(f"no training {name!r}")
    return read_json(path)


def _write(name: str, record: dict[str, Any], file: str = JOB) -> None:
    with replace_file(home("runs", name) / file) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
