"""Stamps: values that change when what is on the disk changes."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

from optical_core.data.changes import corpus_stamp
from optical_core.errors import InputError


def file_stamp(file: Path) -> Hashable:
    """A value that changes when a file is created or written anew."""
    try:
        return str(file), file.stat().st_mtime_ns
    except OSError:
        return str(file), None


def collection_stamp(folder: Path) -> Hashable:
    """A value that changes when a collection is installed anew, or its passages change."""
    try:
        return file_stamp(folder / "collection.json"), corpus_stamp(folder)
    except InputError:  # two corpora: opening it says so
        return None
