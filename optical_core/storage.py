"""Where files are kept, and how they are written whole.

Everything written at run time is under `$OPTICAL_HOME` (default: the platform's user cache folder).
A file or folder is written under a temporary name beside its target, flushed to the disk and
renamed. A reader sees the old one or the new one, never half of either. The temporary name says
which process it belongs to:

    .<target>.<new or old>-<machine>-<process>-<its start>-<random>

`tidy` can therefore tell a killed process's leftovers from a living process's work.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import platform
import re
import secrets
import shutil
import zlib
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from optical_core.errors import InputError
from optical_core.paths import check_ours, check_utf8

if TYPE_CHECKING:
    from filelock import FileLock

logger = logging.getLogger(__name__)

_MACHINE = f"{zlib.crc32(platform.node().encode()):08x}"
"""Machines that share a folder must not clear each other's work away."""
_START = secrets.token_hex(4)
"""Tells this process from an earlier one with the same number, as happens in containers."""
_OWNED = re.compile(
    r"\.(?P<name>.+)\.(?P<kind>new|old)-(?P<machine>\w+)-(?P<pid>\d+)-(?P<start>\w+)-\w+"
)


def home(*parts: str) -> Path:
    """Path under the user's OPTICAL folder. Its parents are made, the path itself is not.

    Leftovers of killed processes beside it are removed (see `tidy`).

    Raises:
        InputError: the folder can't be written, or a part is no name: it would lead to another
            folder, in whose place files would be put.
    """
    for part in parts:
        if part in ("", ".", "..") or "/" in part or os.sep in part:
            raise InputError(f"{part!r} can't be the name of a file or folder")
    path = _root().joinpath(*parts)
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    tidy(path.parent)
    return path


def _root() -> Path:
    """`$OPTICAL_HOME`, with `~` as a shell reads it, or the user's cache folder.

    Raises:
        InputError: `$OPTICAL_HOME` is in the folder of a user that there isn't, or isn't UTF-8.
    """
    given = os.environ.get("OPTICAL_HOME", "").strip()
    check_utf8(given)
    try:
        return Path(given or platformdirs.user_cache_dir("optical")).expanduser()
    except RuntimeError as error:
        raise InputError(f"OPTICAL_HOME is {given}, and there is no such user") from error


def assets(*parts: str) -> Path:
    """Path of a shipped file: inside the installed package, or `assets/` of a checkout."""
    package = Path(str(resources.files("optical_core")))
    root = package / "assets"
    return (root if root.is_dir() else package.parent / "assets").joinpath(*parts)


def app_file() -> Path:
    """The app's entry point: inside the installed package, or `app.py` of a checkout."""
    package = Path(str(resources.files("optical_core")))
    folder = package / "app"
    return (folder if folder.is_dir() else package.parent) / "app.py"


def file_state(path: Path) -> tuple[int, ...] | None:
    """Another value after each change of a file; None without a file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


@contextlib.contextmanager
def writable(target: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write `target` into one sentence.

    Raises:
        InputError: `target` can't be written.
    """
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
    """Yield a temporary path beside `target`; on success it becomes `target` in one step.

    Raises:
        InputError: `target` can't be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with replace_file(Path(folder, "note.txt")) as temporary:
        ...         _ = temporary.write_text("whole or not at all")
        ...     Path(folder, "note.txt").read_text()
        'whole or not at all'
    """
    target = Path(target)
    with writable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        tidy(target.parent)
        temporary = target.parent / _temporary(target, "new")
        # The system applies the user's umask here. Reading the umask would mean setting it, for
        # every thread.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            yield temporary
            _to_disk(temporary)
            os.replace(temporary, target)
            _to_disk(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replace_folder(target: Path, ours: Sequence[str] = ()) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; on success it becomes `target`.

    An existing `target` is moved aside first and removed last. If the process dies between the two
    renames, `tidy` puts it back. A link's folder is replaced, not the link.

    Args:
        target: the folder.
        ours: for a folder that a user names, see `check_ours`.

    Raises:
        InputError: `target` can't be written, holds other files, or its name isn't UTF-8.
    """
    target = Path(os.path.realpath(target))
    check_utf8(target)
    check_ours(target, ours)
    with writable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        tidy(target.parent)
        temporary, aside = (target.parent / _temporary(target, kind) for kind in ("new", "old"))
        temporary.mkdir()
        swapped = False
        try:
            yield temporary
            for path in (*temporary.rglob("*"), temporary):
                _to_disk(path)
            _swap(temporary, target, aside)
            swapped = True
            _to_disk(target.parent)
        finally:
            if not swapped and aside.exists() and not target.exists():
                with contextlib.suppress(OSError):  # another's has just come
                    os.replace(aside, target)
            if swapped or target.exists():
                shutil.rmtree(aside, ignore_errors=True)
            shutil.rmtree(temporary, ignore_errors=True)


def _swap(temporary: Path, target: Path, aside: Path) -> None:
    """Move `target` aside, if it exists, and `temporary` into its place.

    Another process may do the same at the same time: the last one's folder stays.
    """
    while True:
        with contextlib.suppress(FileNotFoundError):
            if target.exists():
                os.replace(target, aside)
        try:
            os.replace(temporary, target)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def exclusive(target: Path) -> Iterator[None]:
    """Hold the lock of `target` against other processes; wait while another process holds it."""
    from filelock import Timeout

    with writable(target):
        lock = _lock(target)
        try:
            lock.acquire(timeout=1)
        except Timeout:
            logger.info("waiting for another process to finish %s", target)
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def is_held(target: Path) -> bool:
    """Does a process hold the lock of `target` now (see `exclusive`)?"""
    from filelock import Timeout

    try:
        with _lock(target).acquire(timeout=0):
            return False
    except Timeout:
        return True


def _lock(target: Path) -> FileLock:
    """The lock of `target`: lock files must stay, and we leave no files in the user's folders."""
    from filelock import FileLock

    place = hashlib.blake2b(os.fsencode(os.path.realpath(target)), digest_size=8).hexdigest()
    return FileLock(home("locks", f"{place}.lock"))


def tidy(folder: Path) -> None:
    """Remove files in a folder that dead processes of this machine left half written.

    A folder that was moved aside and not yet replaced gets its name back.
    """
    with contextlib.suppress(OSError, ValueError):  # there is no such folder, or it can't be read
        for path in list(folder.glob(".*-*-*-*-*")):
            match = _OWNED.fullmatch(path.name)
            if match is None or _is_of_a_living(match):
                continue
            with contextlib.suppress(OSError):
                if match["kind"] == "old" and not (folder / match["name"]).exists():
                    os.replace(path, folder / match["name"])
                elif path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()


def _to_disk(path: Path) -> None:
    """Flush a file or folder to the disk: after a power cut no name may be left without content."""
    # Not every system opens folders, and not every file system flushes them.
    with contextlib.suppress(OSError) if path.is_dir() else contextlib.nullcontext():
        handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _temporary(target: Path, kind: str) -> str:
    """A unique name that says which process it belongs to."""
    return f".{target.name}.{kind}-{_MACHINE}-{os.getpid()}-{_START}-{secrets.token_hex(4)}"


def _is_of_a_living(match: re.Match[str]) -> bool:
    """Does the process still run? Those of other machines count as running: we can't know."""
    import psutil

    if match["machine"] != _MACHINE:
        return True
    number = int(match["pid"])
    return match["start"] == _START if number == os.getpid() else psutil.pid_exists(number)
