"""Where things live on disk, and how they get there whole.

Everything written at run time lies under `$OPTICAL_HOME` (default: the platform's user cache
folder). A file or folder is written under a temporary name beside its target and renamed, so a
reader sees the old one or the new one, never half of either.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import platformdirs

from optical_core.errors import InputError


def home(*parts: str) -> Path:
    """Path under the user's OPTICAL folder; its parents are made, the path itself is not."""
    root = Path(os.environ.get("OPTICAL_HOME") or platformdirs.user_cache_dir("optical"))
    path = root.joinpath(*parts)
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    return path


def assets(*parts: str) -> Path:
    """Path of a shipped file: inside the installed package, or `assets/` of a checkout."""
    package = Path(str(resources.files("optical_core")))
    root = package / "assets"
    return (root if root.is_dir() else package.parent / "assets").joinpath(*parts)


@contextlib.contextmanager
def writable(target: Path) -> Iterator[None]:
    """Turn an operating system's refusal to write `target` into one sentence."""
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError) and error.filename is None:
            raise
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"cannot write {target}: {reason}; free some space or choose a folder "
            "that you may write to (--out, or OPTICAL_HOME)"
        ) from error


@contextlib.contextmanager
def replace_file(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; on success it becomes `target` in one step."""
    target = Path(target)
    with writable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        os.chmod(name, 0o666 & ~_umask())
        temporary = Path(name)
        try:
            yield temporary
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replace_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; on success it becomes `target`.

    An existing `target` is moved aside first and removed last, so that a crash between the two
    renames leaves its content under `.<name>.old`, never nothing.
    """
    target = Path(target)
    with writable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        os.chmod(temporary, 0o777 & ~_umask())
        aside = target.parent / f".{target.name}.old"
        try:
            yield temporary
            shutil.rmtree(aside, ignore_errors=True)
            if target.exists():
                os.replace(target, aside)
            os.replace(temporary, target)
            shutil.rmtree(aside, ignore_errors=True)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
