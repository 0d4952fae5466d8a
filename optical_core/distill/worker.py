"""The process of one job: `python -m optical_core.distill.worker NAME`."""

from __future__ import annotations

import logging
import sys

from filelock import AcquireReturnProxy, FileLock, Timeout

from optical_core.distill.config import DistillConfig
from optical_core.distill.jobs import read_job, update_job
from optical_core.distill.logs import Stage, TrainingStoppedError, write_stage
from optical_core.distill.teach_config import TeachConfig
from optical_core.errors import InputError
from optical_core.process import prepare
from optical_core.storage import home

logger = logging.getLogger("optical_core.distill.worker")  # this module runs as `__main__`


def work(name: str) -> int:
    """Wait for other trainings, train, and write down how it ended."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    logging.getLogger("optical_core").setLevel("INFO")
    # One training at a time: two would slow each other down many times over.
    with _turn():
        write_stage(home("runs", name), Stage("starting"))
        update_job(name, state="running")
        try:
            _train(read_job(name).config)
        except TrainingStoppedError:
            update_job(name, state="stopped")
            return 0
        except Exception as error:
            reason = str(error)
            if not isinstance(error, InputError):
                logging.exception("training failed")
                reason = (
                    f"a fault of the program ({type(error).__name__}): please report it with "
                    f"{home('runs', name, 'output.log')}"
                )
            update_job(name, state="failed", error=reason)
            return 1
        update_job(name, state="finished")
    return 0


def _turn() -> AcquireReturnProxy:
    """The lock of all trainings, once it is this job's."""
    lock = FileLock(home("runs", ".training.lock"))
    try:
        return lock.acquire(blocking=False)
    except Timeout:
        logger.info("Another training is running: this one waits until it ends.")
        return lock.acquire()


def _train(config: DistillConfig | TeachConfig) -> None:
    if isinstance(config, TeachConfig):
        from optical_core.distill.teach import teach

        teach(config, progress=False)
        return
    from optical_core.distill.trainer import distill

    distill(config, progress=False)


if __name__ == "__main__":
    prepare(background=True)
    sys.exit(work(sys.argv[1]))
