"""This package's C code, compiled on first use by the installed compiler (the extra `fast`).

A compiled library is kept under native/ of the home. A hash of the source, the headers beside it,
the compiler and the flags names it. Without cffi or a compiler, callers compute the same result
with torch or POT.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from optical_core.errors import InputError
from optical_core.storage import exclusive, home, replace_file

logger = logging.getLogger(__name__)

FLAGS = ("-fPIC", "-shared", "-ffp-contract=off")
"""Products and sums are rounded one by one: every path of a source then gives the same numbers."""
VARIABLE = "OPTICAL_CPU"
_LEVELS = {"portable": 0, "neon": 1, "avx2": 1, "avx512": 2}
"""What VARIABLE may be: the most that code may take of the processor."""
_PATHS = {**_LEVELS, "vnni": 2, "dotprod": 2}


@cache
def library(source: Path, declarations: str, *flags: str) -> tuple[Any, Any] | None:
    """Compile a C file if need be, and open it. Calls release the GIL.

    Args:
        source: the C file.
        declarations: its functions, declared in C.
        flags: more flags for the compiler; a later one wins.

    Returns:
        cffi's (ffi, library); None, with a line in the log, if the file can't be compiled.
    """
    try:
        import cffi
    except ImportError:
        logger.info('cffi is not installed, %s is not used: pip install ".[fast]"', source.name)
        return None
    compiler = (
        shlex.split(os.environ.get("CC", ""))
        or [path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))][:1]
    )
    if not compiler:
        logger.info("no C compiler (cc, gcc, clang or $CC): %s is not used", source.name)
        return None
    ffi = cffi.FFI()
    ffi.cdef(declarations)
    try:
        return ffi, ffi.dlopen(str(_compiled(source, [*compiler, *FLAGS, *flags])))
    except (OSError, InputError, subprocess.SubprocessError) as error:
        reason = getattr(error, "stderr", None) or error
        logger.warning("%s can't be compiled and is not used (%s)", source.name, reason)
        return None


def chosen(path: str | None, has: Sequence[str]) -> str:
    """Return `path`; by default the last of this processor's paths that `$OPTICAL_CPU` allows.

    Raises:
        InputError: the processor lacks the path: its instructions would end the process; or
            `$OPTICAL_CPU` has an unknown value.
    """
    if path is None:
        return [name for name in has if allows(name)][-1]
    if path not in has:
        raise InputError(f"path {path!r}: this processor has {', '.join(has)}")
    return path


def allows(path: str) -> bool:
    """Tell whether `$OPTICAL_CPU` allows a path; unset, it allows all.

    Torch and POT are always allowed. The variable makes a machine as slow as another one, to
    measure what that one would take.

    Raises:
        InputError: `$OPTICAL_CPU` has an unknown value.
    """
    most = os.environ.get(VARIABLE) or "avx512"
    if most not in _LEVELS:
        raise InputError(f"{VARIABLE} must be {', '.join(_LEVELS)}, got {most!r}")
    return _PATHS.get(path, 0) <= _LEVELS[most]


def _compiled(source: Path, command: list[str]) -> Path:
    """The shared library's path. One process compiles it while others wait."""
    digest = hashlib.blake2b(digest_size=8)
    for file in (source, *sorted(source.parent.glob("*.h"))):
        digest.update(file.read_bytes())
    digest.update(" ".join((*command, platform.machine())).encode())
    path = home("native", f"{source.stem}-{digest.hexdigest()}.so")
    with exclusive(path):
        if not path.is_file():
            with replace_file(path) as temporary:
                subprocess.run(  # noqa: S603 no shell: the user's compiler, our own source
                    [*command, str(source), "-o", str(temporary), "-lm"],
                    check=True,
                    capture_output=True,
                    text=True,
                    timeout=300,
                )
    return path
