"""The `optical` command: one function a command; results on stdout, progress on stderr."""

from __future__ import annotations

import errno
import logging
import os
import sys
import warnings

# Importing a module registers its commands.
from optical_core.cli import catalogue, measuring, searching, starting, training  # noqa: F401
from optical_core.cli.application import app
from optical_core.errors import InputError
from optical_core.process import prepare


def main() -> None:
    """Run the command; bad input gives one sentence on stderr and exit code 2."""
    prepare()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    # What a library will change in its next version is no news for who runs a command.
    warnings.simplefilter("ignore", FutureWarning)
    logging.getLogger("optical_core").setLevel(os.environ.get("OPTICAL_LOG", "INFO"))
    try:
        app()
    except InputError as error:
        sys.exit(_fail(str(error)))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EPERM):
            raise
        where = f" {error.filename}" if error.filename else ""
        sys.exit(_fail(f"cannot write{where}: {(error.strerror or '').lower()}"))


def _fail(message: str) -> int:
    print(f"optical: {message}", file=sys.stderr)
    return 2
