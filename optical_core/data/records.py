"""Run records: the work that was done, with its data, code, packages and seed."""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from optical_core.data.lines import read_json
from optical_core.data.words import word_rules
from optical_core.digits import plain
from optical_core.errors import InputError
from optical_core.storage import replace_file

logger = logging.getLogger(__name__)

_PACKAGES = (
    "torch",
    "transformers",
    "sentence-transformers",
    "peft",
    "pot",
    "ir-measures",
    "bm25s",
    "snowballstemmer",
    "stopwordsiso",
)


def environment() -> dict[str, Any]:
    """Versions, machine and git commit, which a reader needs to repeat the work."""
    import optical_core

    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "optical": optical_core.__version__,
        "commit": git_commit(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "packages": package_versions(_PACKAGES),
        "words": word_rules(),
    }


def package_versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of the packages that are installed."""
    versions = {}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def git_commit() -> str | None:
    """Commit of the checkout that the code runs from, with `+` if it was changed.

    None if git doesn't track the code, as in an installed package.
    """
    here = Path(__file__).resolve()
    if _git(here.parent, "ls-files", "--error-unmatch", here.name) is None:
        return None
    commit = _git(here.parent, "rev-parse", "--short=12", "HEAD")
    changed = _git(here.parent, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}+" if changed else commit


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 no shell, arguments of our own
            ["git", "-C", str(folder), *arguments],  # noqa: S607 git is where the user has it
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def file_hash(path: Path) -> str:
    """BLAKE2b of a file's bytes, 16 hexadecimal digits: tells versions of the data apart."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8))
    return digest.hexdigest()


def read_record(path: Path) -> dict[str, Any]:
    """Read a record of this machine; empty if it is missing or damaged: the work is then redone."""
    try:
        record = read_json(path) if path.is_file() else {}
    except InputError as error:
        logger.warning("%s", error)
        return {}
    return record if isinstance(record, dict) else {}


def write_record(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON record with the environment added, whole or not at all."""
    record = {**content, "environment": environment()}
    with replace_file(path) as temporary:
        text = json.dumps(plain(record), indent=2, ensure_ascii=False, default=str) + "\n"
        # A file's name may have bytes that no JSON file can have.
        temporary.write_text(text, encoding="utf-8", errors="replace")
