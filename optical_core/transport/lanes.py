"""Open the solvers in C, compiled for this processor; lanes.h has what they share."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path
from typing import Any

from optical_core import native

_FLAGS = ("-O3", "-fno-math-errno", "-fno-trapping-math")
_PATHS = {
    "portable": ("-DLANES=1",),
    "neon": ("-DLANES=4",),
    "avx2": ("-DLANES=8", "-mavx2", "-mfma"),
    "avx512": (
        "-DLANES=16",
        *(f"-mavx512{part}" for part in ("f", "vl", "bw", "dq")),
        "-mprefer-vector-width=512",
    ),
}
"""Kinds of processor: the compiler's flags for each, and how many floats its registers hold."""
_KINDS = {"x86_64": ("portable", "avx2", "avx512"), "aarch64": ("portable", "neon")}
_ALIASES = {"amd64": "x86_64", "arm64": "aarch64"}


@cache
def paths() -> tuple[str, ...]:
    """List the paths that this processor has, the slowest first; without a compiler none."""
    machine = platform.machine().lower()
    kinds = _KINDS.get(_ALIASES.get(machine, machine), ("portable",))
    opened = native.library(Path(__file__).with_name("processor.c"), "int optical_best_path(void);")
    return () if opened is None else kinds[: opened[1].optical_best_path() + 1]


def library(
    source: str, declarations: str, *flags: str, path: str | None = None
) -> tuple[Any, Any] | None:
    """Open a C file of this folder: cffi's (ffi, library), or None where it can't be compiled.

    Args:
        source: the file's name.
        declarations: its functions, in C.
        flags: for the compiler.
        path: one of `paths`; by default the fastest.

    Raises:
        InputError: the processor doesn't have this path.
    """
    has = paths()
    if not has:
        return None
    chosen = _PATHS[native.chosen(path, has)]
    return native.library(Path(__file__).with_name(source), declarations, *_FLAGS, *chosen, *flags)
