"""Timing side by side: every contender runs in every round, so conditions are the same for all."""

from __future__ import annotations

import gc
import json
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from optical_core.data.records import package_versions

OURS = "ours"
EXTENSIONS = (
    "avx2",
    "fma",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_tile",
    "asimd",
    "asimddp",
    "sve",
    "bf16",
)
REPEATS = 7
LEAST_SECONDS = 0.05
"""Shortest round of a contender. A faster one is run several times and averaged, as timeit does:
neither caches that a slower one left cold nor the clock's resolution may decide."""


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one contender over the rounds."""

    median: float
    least: float
    most: float


@dataclass(frozen=True)
class Row:
    """One case of one path: the times of ours and its peers, and the quality of their results."""

    path: str
    case: str
    ours: Timing
    peers: dict[str, Timing]
    quality: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """How many times faster than the fastest peer; None without peers.

        Our other variants (`ours, …`) aren't peers.
        """
        medians = (t.median for name, t in self.peers.items() if not name.startswith(OURS))
        fastest = min(medians, default=None)
        return None if fastest is None else fastest / self.ours.median

    def as_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "case": self.case,
            "ours_ms": self.ours.median,
            "peers": {name: peer.median for name, peer in self.peers.items()},
            "ratio_to_fastest_peer": self.ratio,
            "quality": self.quality,
            "spread_ms": {
                name: [timing.least, timing.most]
                for name, timing in {OURS: self.ours, **self.peers}.items()
            },
        }


def side_by_side(
    contenders: Mapping[str, Callable[[], Any]],
    *,
    repeats: int = REPEATS,
    least_seconds: float = LEAST_SECONDS,
    before: int = 0,
) -> dict[str, Timing]:
    """Time each contender in `repeats` rounds, in turn, after two runs of each to warm up.

    Before each timed turn, `before` runs aren't timed: meanwhile the last contender's threads
    finish, and the caches fill.
    """
    loops = {}
    for name, run in contenders.items():
        run()
        loops[name] = max(1, math.ceil(least_seconds / _seconds(run, 1)))
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    gc.collect()
    gc.freeze()  # existing objects need no scan in each turn
    for _ in range(repeats):
        for name, run in contenders.items():
            gc.collect()
            for _ in range(before):
                run()
            seconds[name].append(_seconds(run, loops[name]))
    gc.unfreeze()
    return {
        name: Timing(1e3 * statistics.median(spent), 1e3 * min(spent), 1e3 * max(spent))
        for name, spent in seconds.items()
    }


def _seconds(run: Callable[[], Any], loops: int) -> float:
    """Time one run, as the mean of so many."""
    begin = time.perf_counter()
    for _ in range(loops):
        run()
    return (time.perf_counter() - begin) / loops


def row(
    path: str,
    case: str,
    contenders: Mapping[str, Callable[[], Any]],
    *,
    quality: Mapping[str, Any] | None = None,
    repeats: int = REPEATS,
) -> Row:
    """Time `contenders`; one of them must be named `ours`."""
    timings = side_by_side(contenders, repeats=repeats)
    ours = timings.pop(OURS)
    return Row(path, case, ours, timings, dict(quality or {}))


def machine() -> dict[str, Any]:
    """Describe the machine on which the figures were measured."""
    return {
        "processor": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "vector extensions": _extensions(),
        "cores": os.cpu_count(),
        "threads": int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def write_report(path: Path, rows: Sequence[Row], packages: Sequence[str]) -> None:
    """Write the figures as JSON: machine, versions, rows."""
    content = {
        "machine": machine(),
        "versions": package_versions(packages),
        "rows": [row.as_json() for row in rows],
    }
    path.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")


def table(rows: Sequence[Row]) -> str:
    """Format the figures as Markdown, times in milliseconds: median (least to most)."""
    lines = ["| path | case | ours | peers | ratio | quality |", "|---|---|---|---|---|---|"]
    for row in rows:
        peers = "; ".join(f"{name} {_shown(peer)}" for name, peer in row.peers.items())
        quality = "; ".join(f"{key} {_number(value)}" for key, value in row.quality.items())
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}x"
        cells = (row.path, row.case, _shown(row.ours), peers, ratio, quality)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _shown(timing: Timing) -> str:
    median, least, most = (f"{value:.3g}" for value in asdict(timing).values())
    return f"{median} ({least} to {most})"


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _extensions() -> list[str]:
    """List the vector extensions that decide the paths' speed, by the system's names."""
    flags = (_cpuinfo("flags") or _cpuinfo("Features")).split()
    if most := os.environ.get("OPTICAL_CPU"):
        return [f"held to {most}"]
    if flags:
        return [name for name in EXTENSIONS if name in flags]
    import torch

    return [torch.backends.cpu.get_cpu_capability()]


def _cpuinfo(key: str) -> str:
    """Read Linux's entry about the first core; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")
