"""The `optical` command: one function a command; results on stdout, progress on stderr."""

from __future__ import annotations

import errno
import logging
import os
import secrets
import shlex
import sys
import traceback
import warnings
from time import monotonic

# Importing a module registers its commands.
from optical_core.cli import (  # noqa: F401
    catalogue,
    fusing,
    indexing,
    judging,
    lexicons,
    measuring,
    multilingual,
    searching,
    serving,
    starting,
    stories,
    training,
    updating,
    winning,
)
from optical_core.cli.application import app
from optical_core.data.allowance import COMMAND, Tell, allowed
from optical_core.errors import InputError
from optical_core.escaping import plain_text
from optical_core.process import open_streams, prepare
from optical_core.storage import home

EVERY = 5
"""Seconds between two lines on what is being read; what takes less is read without one."""
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_DISK = (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EPERM)


def main() -> None:
    """Run the command. Bad input gives one sentence on stderr and exit code 2.

    An unexpected error gives one sentence and exit code 1; its traceback is kept in a file.
    """
    prepare()
    open_streams()
    # A file's name that isn't UTF-8 is printed with an escape, not refused at the very end.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    # Users of a command needn't know what a library will change in its next version.
    warnings.simplefilter("ignore", FutureWarning)
    try:
        logging.getLogger("optical_core").setLevel(_log_level())
        with allowed(COMMAND, _progress()):
            app()
    except InputError as error:
        sys.exit(_fail(str(error)))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _DISK:
            where = f" {error.filename}" if error.filename else ""
            sys.exit(_fail(f"cannot write{where}: {(error.strerror or '').lower()}"))
        sys.exit(_fail(_unexpected(error), code=1))


def _log_level() -> str:
    """The level of `$OPTICAL_LOG`.

    Raises:
        InputError: it is none.
    """
    given = os.environ.get("OPTICAL_LOG") or "INFO"
    if given.upper() not in _LEVELS:
        raise InputError(f"OPTICAL_LOG must be one of {', '.join(_LEVELS)}, got {given!r}")
    return given.upper()


def _progress() -> Tell:
    """A function that says on stderr, every few seconds, how far reading has come."""
    last = called = monotonic()

    def tell(where: str) -> None:
        nonlocal last, called
        now = monotonic()
        if now - called > EVERY / 2:  # something else was done meanwhile
            last = now
        called = now
        if now - last >= EVERY:
            last = now
            print(f"optical: reading {where}", file=sys.stderr)

    return tell


def _unexpected(error: Exception) -> str:
    """One sentence about an unexpected error; its traceback is kept in a file."""
    text = "".join(traceback.format_exception(error))
    try:
        path = home("logs", f"error-{secrets.token_hex(4)}.log")
        path.write_text(f"{shlex.join(sys.argv)}\n{text}", "utf-8", "backslashreplace")
    except (InputError, OSError):
        return f"this is a fault of the program, please report it:\n{text}"
    return f"this is a fault of the program ({type(error).__name__}): please report it with {path}"


def _fail(message: str, code: int = 2) -> int:
    print(f"optical: {plain_text(message)}", file=sys.stderr)
    return code
