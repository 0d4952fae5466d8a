"""This package's C, compiled on first use by the compiler that is there (the extra `fast`).

The library lies under native/ of the home, named by the hash of its source, compiler and flags.
Without cffi or a compiler `library` is None, and callers use torch to the same result.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from optical_core.errors import InputError
from optical_core.storage import exclusive, home, replace_file

logger = logging.getLogger(__name__)

SOURCE = Path(__file__).with_name("maxsim.c")
FLAGS = ("-O2", "-ftree-vectorize", "-ffp-contract=off", "-fPIC", "-shared")
PATHS = ("portable", "avx2", "vnni")
"""What optical_maxsim takes, in the order of speed; a processor has those up to its best."""
_DECLARATIONS = """
int optical_best_path(void);
int optical_maxsim(int path, const uint8_t *rows, const int64_t *begins, const int64_t *ends,
                   int64_t count, int64_t width, const int8_t *query, const float *query_scales,
                   int64_t n, float *scores);
"""


@cache
def library() -> tuple[Any, Any] | None:
    """cffi's (ffi, library), compiled if need be; None, with a line in the log, if it can't be.

    Calls release the GIL.
    """
    try:
        import cffi
    except ImportError:
        logger.info('cffi is not installed: torch scores instead; pip install ".[fast]"')
        return None
    compiler = (
        shlex.split(os.environ.get("CC", ""))
        or [found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))][:1]
    )
    if not compiler:
        logger.info("there is no C compiler (cc, gcc, clang or $CC): torch scores instead")
        return None
    ffi = cffi.FFI()
    ffi.cdef(_DECLARATIONS)
    try:
        return ffi, ffi.dlopen(str(_compiled(compiler)))
    except (OSError, InputError, subprocess.SubprocessError) as error:
        reason = getattr(error, "stderr", None) or error
        logger.warning("%s can't be compiled: torch scores instead (%s)", SOURCE.name, reason)
        return None


def _compiled(compiler: list[str]) -> Path:
    """The shared library's path; one process compiles, others wait for it."""
    digest = hashlib.blake2b(SOURCE.read_bytes(), digest_size=8)
    digest.update(" ".join((*compiler, *FLAGS, platform.machine())).encode())
    path = home("native", f"{SOURCE.stem}-{digest.hexdigest()}.so")
    with exclusive(path):
        if not path.is_file():
            with replace_file(path) as temporary:
                command = [*compiler, *FLAGS, str(SOURCE), "-o", str(temporary), "-lm"]
                subprocess.run(  # noqa: S603 no shell: the user's compiler, our own source
                    command, check=True, capture_output=True, text=True, timeout=300
                )
    return path
