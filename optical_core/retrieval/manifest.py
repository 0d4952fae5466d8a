"""The manifest of an index that has been updated: which segments it has, and which passages died.

    index.json             format 2: encoder, dimension, segments with their dead passages
    segments/<name>/       a TokenIndex each; those that the manifest doesn't name don't count

An index as it was built is its own single segment; its index.json has format 1. The first update
moves it into segments/. The manifest is replaced in one step, and nothing else decides what is
valid: a write that was killed has either happened or not.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optical_core.data.lines import read_json
from optical_core.errors import InputError
from optical_core.paths import check_path
from optical_core.retrieval.compression import UNCOMPRESSED, Compression
from optical_core.retrieval.formats import ALL_FILES, INDEX_FILE, UPDATED
from optical_core.retrieval.windows import WHOLE, Windows
from optical_core.storage import file_state, replace_file, replace_folder, tidy

ROOT = ""
"""Name of the segment that an index as built is."""
_OF_MODES = ("int8.", "candidates.", "centroids.", "tokens.")
"""How the names of the modes' files begin."""
_NAME = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Entry:
    """A segment in a manifest.

    Attributes:
        name: of its folder under segments/, or `ROOT`.
        dead: ascending positions of its passages that were deleted or replaced.
    """

    name: str
    dead: tuple[int, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """Content of an index.json.

    Attributes:
        encoder: name of the encoder that made the vectors.
        encoder_hash: its hash.
        dimension: d, of the token vectors.
        entries: the segments, oldest first.
        compression: the form of their vectors.
        windows: how their passages are cut.
    """

    encoder: str
    encoder_hash: str
    dimension: int
    entries: tuple[Entry, ...]
    compression: Compression = UNCOMPRESSED
    windows: Windows = WHOLE

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """The manifest of an index in either format.

        Raises:
            InputError: there is no index, or its manifest is damaged.
        """
        check_path(folder)
        tidy(folder.parent)
        tidy(folder / "segments")
        if not (folder / INDEX_FILE).is_file():
            raise InputError(f"no index in {folder}; build one with `optical index`")
        info = read_json(folder / INDEX_FILE)
        try:
            updated = info["format"] == UPDATED
            entries = tuple(map(_entry, info["segments"])) if updated else (Entry(ROOT),)
            names = str(info["encoder"]), str(info["encoder_hash"])
            form = Compression.from_dict(info.get("compression"))
            windows = Windows.from_dict(info.get("windows"))
            return cls(*names, int(info["dimension"]), entries, form, windows)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(
                f"the index in {folder} is damaged ({error}); build it again with `optical index`"
            ) from error

    def write(self, folder: Path) -> None:
        """Put this manifest in force, and remove the files of segments that it doesn't name."""
        info: dict[str, Any] = {
            "format": UPDATED,
            "encoder": self.encoder,
            "encoder_hash": self.encoder_hash,
            "dimension": self.dimension,
            "segments": [{"name": entry.name, "dead": entry.dead} for entry in self.entries],
        }
        if not self.compression.plain:
            info["compression"] = self.compression.to_dict()
        if not self.windows.plain:
            info["windows"] = self.windows.to_dict()
        with replace_file(folder / INDEX_FILE) as temporary:
            # Millions of dead passages are too long for one line.
            text = json.dumps(info, separators=(",\n", ": "))
            temporary.write_text(text + "\n", encoding="utf-8")
        self._sweep(folder)

    def _sweep(self, folder: Path) -> None:
        # A reader of the manifest before keeps what it has opened, or reads the manifest again.
        kept = {entry.name for entry in self.entries}
        with contextlib.suppress(OSError):
            for path in (folder / "segments").iterdir():
                if _NAME.fullmatch(path.name) and path.name not in kept:
                    shutil.rmtree(path, ignore_errors=True)
        for path in _files(folder):
            with contextlib.suppress(OSError):
                path.unlink()


def manifest_stamp(folder: Path) -> tuple[int, ...] | None:
    """The state of an index's manifest: another one after each change. None without an index."""
    return file_state(folder / INDEX_FILE)


def segment_folder(folder: Path, name: str) -> Path:
    """The folder of an index's segment."""
    return folder / "segments" / name if name else folder


def new_name() -> str:
    """A name for a new segment."""
    return secrets.token_hex(8)


def moved_root(folder: Path, manifest: Manifest) -> Manifest:
    """A manifest whose segments are all under segments/; written by the caller.

    The files of an index as built get second names there: nothing is copied where the file system
    has links, and the first names stay valid until the new manifest is in force.
    """
    if all(entry.name for entry in manifest.entries):
        return manifest
    name = new_name()
    with replace_folder(segment_folder(folder, name)) as temporary:
        for path in (folder / INDEX_FILE, *_files(folder)):
            try:
                os.link(path, temporary / path.name)
            except OSError:  # no links here
                shutil.copy2(path, temporary / path.name)
    (root,) = manifest.entries
    return replace(manifest, entries=(Entry(name, root.dead),))


def _files(folder: Path) -> list[Path]:
    """The files of an index as built and of its modes, except its index.json."""
    return [
        path
        for path in folder.iterdir()
        if path.is_file() and (path.name in ALL_FILES or path.name.startswith(_OF_MODES))
    ]


def _entry(value: Any) -> Entry:
    name, dead = str(value["name"]), tuple(map(int, value["dead"]))
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no segment")
    if any(position < 0 for position in dead) or sorted(set(dead)) != list(dead):
        raise ValueError("the positions of its deleted passages are out of order")
    return Entry(name, dead)
