"""Merge segments of an index into one, without their dead passages."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from optical_core.data.lines import read_json
from optical_core.errors import InputError
from optical_core.retrieval.formats import HASHES, INDEX_FILE
from optical_core.retrieval.index_files import codec_of, write_facts
from optical_core.retrieval.manifest import Entry, Manifest, new_name, segment_folder
from optical_core.retrieval.modes import MODE_FILES, open_mode
from optical_core.retrieval.snapshot import living
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.vector_files import VectorWriter
from optical_core.storage import exclusive, replace_folder

_KEPT = ("encoder", "encoder_hash", "dimension", "precision", "format", "compression", "windows")
"""What index.json says of a merged segment as of the first one."""


def merged(folder: Path, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """A new segment of the living passages of some; none if all are dead.

    The caller holds the index's lock, and writes the manifest.
    """
    parts = _living_parts(folder, entries)
    if not parts:
        return ()
    entry = Entry(new_name())
    with replace_folder(segment_folder(folder, entry.name)) as temporary:
        _write_merged(temporary, parts)
    return (entry,)


def compacted(folder: Path) -> int | None:
    """Merge all segments of an index, and hold its lock only while the new one takes their place.

    Passages that others have deleted or replaced meanwhile are dead in the new segment; segments
    that they have added stay.

    Returns:
        The number of dead passages that were dropped; None if others have merged or removed some of
        the segments meanwhile: nothing has changed then.

    Raises:
        InputError: the index is missing or damaged.
    """
    before = Manifest.read(folder)
    dropped = sum(len(entry.dead) for entry in before.entries)
    if len(before.entries) < 2 and not dropped:
        return 0
    entry = Entry(new_name())
    target = segment_folder(folder, entry.name)
    with ExitStack() as held:
        try:
            parts = _living_parts(folder, before.entries)
            if not parts:
                return None  # quickly done while others wait
            with replace_folder(target) as temporary:
                _write_merged(temporary, parts)
                # Named under the lock: others remove segments without a manifest.
                held.enter_context(exclusive(folder))
        except (InputError, OSError):
            if Manifest.read(folder) == before:
                raise
            return None
        now = Manifest.read(folder)
        known = {other.name: other for other in now.entries}
        if not all(other.name in known for other in before.entries):
            shutil.rmtree(target, ignore_errors=True)
            return None
        dead = _dead_since(known, parts)
        gone = {other.name for other in before.entries}
        rest = tuple(other for other in now.entries if other.name not in gone)
        replace(now, entries=(replace(entry, dead=dead), *rest)).write(folder)
    return dropped


Part = tuple[Entry, TokenIndex, np.ndarray]
"""A segment, and the positions of its living passages."""


def _living_parts(folder: Path, entries: Sequence[Entry]) -> list[Part]:
    indexes = [TokenIndex.open(segment_folder(folder, entry.name)) for entry in entries]
    parts = [
        (entry, index, living(entry, len(index)))
        for entry, index in zip(entries, indexes, strict=True)
    ]
    return [part for part in parts if len(part[2])]


def _dead_since(known: dict[str, Entry], parts: Sequence[Part]) -> tuple[int, ...]:
    """Positions in the merged segment of passages that have died since it was begun."""
    dead: list[np.ndarray] = []
    begin = 0
    for entry, _, rows in parts:
        died = np.setdiff1d(np.array(known[entry.name].dead, np.int64), entry.dead)
        dead.append(begin + np.searchsorted(rows, died))
        begin += len(rows)
    return tuple(np.concatenate(dead).tolist())


def _write_merged(target: Path, parts: Sequence[Part]) -> None:
    """Write the files of a segment with the living passages of others, and of their modes."""
    lengths = [np.zeros(1, np.int64)]
    first = parts[0][1]
    with VectorWriter(target, first.compression, first.dimension, codec_of(first)) as writer:
        for _, index, rows in parts:
            lengths.append(np.diff(index.offsets)[rows])
            for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
                begin, end = index.offsets[run[0]], index.offsets[run[-1] + 1]
                writer.copy(index.vectors, begin, end, index.standing)
    hashes = [(index.text_hashes, rows) for _, index, rows in parts]
    if all(known for known, _ in hashes):
        digits = "".join(known[row] for known, rows in hashes if known for row in rows)
        (target / HASHES).write_bytes(bytes.fromhex(digits))
    ids = [index.ids[row] for _, index, rows in parts for row in rows]
    info = read_json(first.folder / INDEX_FILE)
    facts = {key: info[key] for key in _KEPT if key in info} | {"texts": None}
    write_facts(target, facts, ids, np.cumsum(np.concatenate(lengths)))
    for mode, files in MODE_FILES.items():
        if any((index.folder / file).is_file() for _, index, _ in parts for file in files):
            open_mode(TokenIndex.open(target), mode)
