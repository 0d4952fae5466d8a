"""Opens the solvers in C; what their sources share is in lanes.h."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from optical_core import native

PATHS = ("portable", "avx2", "avx512")
"""The kinds of processor in lanes.h, in the order of speed; each has those up to its best."""
_FLAGS = ("-O3", "-fno-math-errno", "-fno-trapping-math")


def library(source: str, declarations: str, *flags: str) -> tuple[Any, Any] | None:
    """cffi's (ffi, library) of a file of this folder; None where it can't be compiled."""
    return native.library(Path(__file__).with_name(source), declarations, *_FLAGS, *flags)
