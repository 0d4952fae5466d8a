"""Run C code for ARM64 under qemu: with Debian's qemu-user and gcc-aarch64-linux-gnu."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from optical_core import native

COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"


def compiled(source: Path, program: Path, *flags: str) -> Path:
    """Compile a C file with the flags of the package's libraries; skip the test if none can."""
    if not (shutil.which(COMPILER) and shutil.which(EMULATOR)):
        pytest.skip(f"needs {COMPILER} and {EMULATOR}")
    kept = [flag for flag in native.FLAGS if flag not in ("-shared", "-fPIC")]
    command = [COMPILER, *kept, *flags, "-static", f"-I{Path(__file__).parent}", str(source)]
    subprocess.run([*command, "-o", str(program), "-lm"], check=True)
    return program


def run(program: Path, arrays: Sequence[np.ndarray], *, cpu: str = "max") -> tuple[int, bytes]:
    """Give a program arrays; returns its exit code and what it wrote."""
    data = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
    command = [EMULATOR, "-cpu", cpu, str(program)]
    ended = subprocess.run(command, input=data, capture_output=True, check=False)
    return ended.returncode, ended.stdout
