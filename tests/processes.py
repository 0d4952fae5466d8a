"""Programs in processes of their own that start at once.

A new interpreter needs ten seconds for torch, transformers and what they load. Here a server loads
them once, runs nothing, and forks: what it gives has run no thread, loaded no model and drawn no
number. What a test says of a start itself (what is imported, in which order) needs an interpreter.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from multiprocessing import forkserver
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
LOADED = ["optical_core.cli", "optical_core.distill.trainer", "optical_core.study.run", "peft"]
OPTICAL = "from optical_core.cli import main; main()"


class Ended(NamedTuple):
    """What a program leaves: its exit code (minus the signal that killed it) and what it wrote."""

    code: int
    output: str
    errors: str


class Program:
    """A running program; its standard output and errors go to files."""

    def __init__(
        self, code: str, *arguments: object, environment: Mapping[str, str], folder: Path = ROOT
    ) -> None:
        self._files = tempfile.TemporaryDirectory()
        self._outputs = [Path(self._files.name, name) for name in ("output", "errors")]
        given = (code, list(map(str, arguments)), dict(environment), folder, self._outputs)
        self._process = _server().Process(target=_run, args=given, daemon=True)
        with _no_main_module():
            self._process.start()
        self.pid = self._process.pid

    @property
    def runs(self) -> bool:
        return self._process.is_alive()

    @property
    def output(self) -> str:
        """Standard output so far."""
        return self._outputs[0].read_text() if self._outputs[0].exists() else ""

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, reached: Callable[[], object], *, limit: float = 120) -> None:
        """Wait until it has come there; it must not have ended before."""
        deadline = time.monotonic() + limit
        while not reached():
            assert self.runs, self.ended()
            assert time.monotonic() < deadline
            time.sleep(0.002)

    def kill_when(self, reached: Callable[[], object]) -> None:
        """Kill it as soon as it has come there."""
        self.wait(reached)
        assert self.runs, "it was too quick to be killed"
        self.send(signal.SIGKILL)
        assert self.ended().code == -signal.SIGKILL

    def ended(self, timeout: float = 300) -> Ended:
        """Wait for its end; kill it if that doesn't come."""
        self._process.join(timeout)
        late = self.runs
        if late:
            self._process.kill()
            self._process.join()
        output, errors = (path.read_text() for path in self._outputs)
        assert not late, f"it did not end: {output}{errors}"
        self._files.cleanup()
        assert self._process.exitcode is not None
        return Ended(self._process.exitcode, output, errors)


def optical(*arguments: object, home: Path, folder: Path = ROOT, **environment: str) -> Program:
    """Start `optical …` with a home of its own."""
    given = os.environ | {"OPTICAL_HOME": str(home)} | environment
    return Program(OPTICAL, *arguments, environment=given, folder=folder)


def _server() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    with chdir(ROOT):  # a server that starts now finds the package and the tests there
        forkserver.ensure_running()
    return context


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Hide the main module, which a child would run first: a test of pages leaves a page there."""
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _run(
    code: str,
    arguments: list[str],
    environment: dict[str, str],
    folder: Path,
    outputs: list[Path],
) -> None:
    """What `python -c CODE ARGUMENTS` does, in this process."""
    for number, path in enumerate(outputs, start=1):
        with path.open("wb") as file:
            os.dup2(file.fileno(), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if threads := environment.get("OMP_NUM_THREADS"):  # read long ago, when torch was loaded
        import torch

        torch.set_num_threads(int(threads))
    sys.argv = ["-c", *arguments]
    exec(compile(code, "<program>", "exec"), {"__name__": "__main__"})
