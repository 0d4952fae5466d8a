"""Paths typed in the browser, and which files they may open."""

from __future__ import annotations

import contextlib
from pathlib import Path

from optical_core.errors import InputError
from optical_core.paths import check_path
from optical_core.storage import home


def typed_path(text: str) -> Path:
    """A path from the browser, inside `$OPTICAL_HOME` or the folder that the app was started in.

    Links are followed before the path is checked. Whoever starts the app can read other files
    with the command; whoever only sees the page can't.

    Raises:
        InputError: If the path leads elsewhere.
    """
    check_path(text.strip())
    allowed = [Path.cwd().resolve(), home("x").parent.resolve()]
    try:
        path = Path(text.strip()).expanduser().resolve()
        # `resolve` accepts what no disk can hold, such as a name that is too long.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            path.stat()
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{text!r:.80} is no path: {reason.lower()}") from error
    if not any(path.is_relative_to(folder) for folder in allowed):
        raise InputError(
            f"{text} is outside {allowed[0]}, where the app was started, and {allowed[1]}: put "
            "the files there, start the app where they are, or use the `optical` command"
        )
    return path
