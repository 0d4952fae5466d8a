"""This package's C, compiled on first use by the compiler that is there (the extra `fast`).

A library lies under native/ of the home, named by the hash of its source,
the headers beside it, compiler and flags.
Without cffi or a compiler there is none, and callers reach the same result by torch or POT.
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
"""Products and sums round one by one, so that every path of a source gives the same numbers."""


@cache
def library(source: Path, declarations: str, *flags: str) -> tuple[Any, Any] | None:
    """cffi's (ffi, library) of a C file, compiled if need be; None, with a line in the log, if
    it can't be. Calls release the GIL.

    declarations: of its functions, in C. flags: more of the compiler's; a later one wins.
    """
    try:
        import cffi
    except ImportError:
        logger.info('cffi is not installed, %s is not used: pip install ".[fast]"', source.name)
        return None
    compiler = (
        shlex.split(os.environ.get("CC", ""))
        or [found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))][:1]
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
    """`path`, by default the last of those that this processor has.

    Raises InputError for another: its instructions would end the process.
    """
    if path is None:
        return has[-1]
    if path not in has:
        raise InputError(f"path {path!r}: this processor has {', '.join(has)}")
    return path


def _compiled(source: Path, command: list[str]) -> Path:
    """The shared library's path; one process compiles, others wait for it."""
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
