"""`python -m tests.benchmarks.beside`: trainings and the app beside other work on the same cores.

It prints how long a training step takes alone and beside one busy process, with OpenMP's default
(threads spin while they wait) and with the product's setting (they sleep). It also prints how long
clicks in the app take while a training runs, at normal priority and at the app's low priority.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from optical_core.process import NICENESS
from tests.benchmarks.app import _WATCH, _answers, _cases
from tests.benchmarks.timing import machine
from tests.browser.server import ROOT, goto, running_app, running_browser

POLICIES = {"threads spin (OpenMP's default)": "ACTIVE", "threads sleep (ours)": "PASSIVE"}
_BUSY = "while True: pass"
_STEPS = """
import os, sys, time
from optical_core.distill.config import DistillConfig
from optical_core.distill.monitor import LogMonitor
from optical_core.distill.trainer import distill
times = []
LogMonitor.on_step_end = lambda *_, **__: times.append(time.perf_counter())
distill(DistillConfig(name=f"beside-{os.getpid()}", bitext=("demo",), overlap="drop",
                      steps=int(sys.argv[1]), batch_size=16), device="cpu", progress=False)
steps = [after - before for before, after in zip(times, times[1:])]
print(sorted(steps)[len(steps) // 2])
"""


@contextlib.contextmanager
def running(command: list[str], **options: object) -> Iterator[None]:
    """Run a process beside the work in the block."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def step_seconds(policy: str, steps: int) -> float:
    """Measure the median seconds of a training step in a process with this OMP_WAIT_POLICY."""
    done = subprocess.run(
        [sys.executable, "-c", _STEPS, str(steps)],
        cwd=ROOT,
        env={**os.environ, "OMP_WAIT_POLICY": policy},
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.split()[-1])


def click_milliseconds(clicks: int) -> list[float]:
    """Time the clicks of the app's benchmark, one case after another, in milliseconds."""
    times: list[float] = []
    with running_app() as site, running_browser() as browser:
        for case, path, act in _cases()[:3]:
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            goto(page, site + path)
            page.evaluate(_WATCH)
            times += _answers(page, act, clicks)
            print(f"{case}: done", file=sys.stderr, flush=True)
            page.close()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.beside")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--clicks", type=int, default=6, help="of each of three cases; 0: no app")
    arguments = parser.parse_args()
    # A temporary home: nothing that is trained here stays.
    with tempfile.TemporaryDirectory() as home:
        os.environ["OPTICAL_HOME"] = home
        measure(arguments.steps, arguments.clicks)
    about = machine()
    print(f"\n{about['processor']}, {about['threads']} threads of {about['cores']} cores")


def measure(steps: int, clicks: int) -> None:
    """Print both tables."""
    print("| a step of training, 16 pairs | alone | beside a busy process |\n|---|---|---|")
    for about, policy in POLICIES.items():
        alone = step_seconds(policy, steps)
        with running([sys.executable, "-c", _BUSY]):
            beside = step_seconds(policy, steps)
        print(f"| {about} | {alone:.2f} s | {beside:.2f} s |", flush=True)
    if clicks:
        print("\n| a click in the app | median | slowest |\n|---|---|---|")
        training = [sys.executable, "-c", _STEPS, "100000"]
        low = {"preexec_fn": lambda: os.nice(NICENESS)}
        for about, options in (
            ("no training", None),
            ("a training at normal priority", {}),
            ("a training at low priority (ours)", low),
        ):
            beside = contextlib.nullcontext() if options is None else running(training, **options)
            with beside:
                times = click_milliseconds(clicks)
            print(
                f"| {about} | {statistics.median(times):.0f} ms | {max(times):.0f} ms |", flush=True
            )


if __name__ == "__main__":
    main()
