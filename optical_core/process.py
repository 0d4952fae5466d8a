"""Settings of the process, which an entry point makes before torch is loaded.

All threads of a process share its environment, niceness and thread pools. Nothing else in this
package changes them: the command, the app, the training worker, the tests and the benchmarks call
`prepare` first. What a library's call must change for a while is changed under `BORROWING`.
"""

from __future__ import annotations

import math
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path, PurePosixPath

BORROWING = threading.Lock()
"""Held while a library's call needs another state of the process (filters of warnings, levels of
loggers, matplotlib's settings, modules) and puts it back. Two calls that overlapped would each put
back what the other had set."""
NICENESS = 10
"""Niceness of background work: it takes a tenth of a core that somebody waits for."""

_INSTRUCTIONS = {
    "portable": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    },
}
"""`$OPTICAL_CPU` -> what holds torch's kernels to the same instructions as our own."""


def prepare(*, background: bool = False) -> None:
    """Set the variables that OpenMP and the libraries read when they are loaded.

    Variables that the user has set stay. Idle OpenMP threads sleep. By default they spin, and on
    shared cores (two virtual cores on a real one, a container's quota, another busy process) that
    slows everything down several times over.

    Args:
        background: nobody waits for this process: let others go first.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if (allowed := cores()) < _visible_cores():
        os.environ.setdefault("OMP_NUM_THREADS", str(allowed))
    for name, value in _INSTRUCTIONS.get(os.environ.get("OPTICAL_CPU", ""), {}).items():
        os.environ.setdefault(name, value)
    # A Ray cluster started here would report its use to its makers every hour.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if background and hasattr(os, "nice"):
        os.nice(NICENESS)


def open_streams() -> None:
    """Open those standard streams that are closed (`>&-`), on nothing.

    The files that are opened next would get their numbers, and what is printed with them.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def cores() -> int:
    """Number of cores that this process may use, by its affinity and its control group's quota."""
    return math.ceil(min(_visible_cores(), quota()))


def quota(root: Path = Path("/")) -> float:
    """Processor time that this process's control groups allow, in cores; infinity without a quota.

    Groups are nested, and the smallest quota counts (Linux, cgroup v1 and v2).
    """
    allowed = math.inf
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            mount = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
            group = PurePosixPath(path.lstrip("/"))
            for place in (group, *group.parents):
                allowed = min(allowed, _group_quota(mount / place))
    return allowed


def _group_quota(group: Path) -> float:
    """Quota of one control group; infinity if it has none, or its files can't be read."""
    with suppress(OSError, ValueError):
        if (group / "cpu.max").is_file():
            most, period = (group / "cpu.max").read_text(encoding="utf-8").split()
        else:
            most, period = (
                (group / f"cpu.cfs_{name}_us").read_text(encoding="utf-8")
                for name in ("quota", "period")
            )
        if float(most) > 0:  # `max` in v2 (a ValueError here) and -1 in v1 mean no limit
            return float(most) / float(period)
    return math.inf


def _visible_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
