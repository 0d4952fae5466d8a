"""Add, replace, delete and merge passages of an index, while it is searched.

An update is encoded into a segment of its own, beside those that are searched. Then the manifest
is replaced: that one step makes the update valid. Updates of several processes follow one another;
readers take no lock. What a killed process has left is removed by the next update.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from optical_core.data.corpus import Passage
from optical_core.data.lines import read_json
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.codec import Codec
from optical_core.retrieval.formats import INDEX_FILE, check_made_by
from optical_core.retrieval.index_files import codec_of, encode_index
from optical_core.retrieval.manifest import (
    Entry,
    Manifest,
    moved_root,
    new_name,
    segment_folder,
)
from optical_core.retrieval.merging import compacted, merged
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.vector_store import positions_of
from optical_core.storage import exclusive, replace_folder

MOST_SEGMENTS = 8
"""With more segments, an update merges all but the largest: each one costs every search."""
_ATTEMPTS = 3
"""Times that segments are merged anew because others have merged some of them meanwhile."""


def update_index(
    folder: Path,
    passages: Iterable[Passage],
    encoder: TokenEncoder,
    *,
    removed: Collection[str] = (),
    before: Callable[[], object] = lambda: None,
    batch_size: int = 32,
    progress: bool = False,
    watch: Callable[[int], None] | None = None,
) -> int:
    """Add passages to an index; one whose id is there replaces it.

    Args:
        folder: the index.
        passages: at least one; each id once.
        encoder: the one that built the index.
        removed: ids to delete in the same step.
        before: called when all is encoded, just before the update becomes valid.
        batch_size: passages encoded together.
        progress: show a progress bar?
        watch: called with the number of encoded passages.

    Returns:
        The number of passages that were replaced or deleted.

    Raises:
        InputError: an id comes twice, there are no passages, or the index is missing, damaged or
            another encoder's.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from optical_core import load_pair
        >>> from optical_core.retrieval import LiveIndex, build_index
        >>> encoder, sea = load_pair("embedded").teacher, Passage("p1", "", "The sea is salty.")
        >>> with TemporaryDirectory() as folder:
        ...     index = build_index(Path(folder, "index"), [sea], encoder)
        ...     update_index(index.folder, [Passage("p2", "", "The moon.")], encoder)
        ...     LiveIndex(index.folder).ids
        0
        ('p1', 'p2')
    """
    manifest = Manifest.read(folder)
    check_made_by(encoder, manifest.encoder, manifest.encoder_hash, folder)
    codec = _codec(folder, manifest)
    name = new_name()
    with ExitStack() as held:
        with replace_folder(segment_folder(folder, name)) as temporary:
            encode_index(
                temporary,
                passages,
                encoder,
                compression=manifest.compression,
                codec=codec,
                windows=manifest.windows,
                batch_size=batch_size,
                progress=progress,
                watch=watch,
            )
            added = read_json(temporary / "ids.json")
            # The segment gets its name under the lock: others remove segments without a manifest.
            held.enter_context(exclusive(folder))
        before()
        manifest = Manifest.read(folder)
        check_made_by(encoder, manifest.encoder, manifest.encoder_hash, folder)
        manifest, gone = _without(folder, manifest, {*added, *removed})
        manifest = moved_root(folder, manifest)
        manifest = replace(manifest, entries=(*manifest.entries, Entry(name)))
        if len(manifest.entries) > MOST_SEGMENTS:
            manifest = _small_ones_merged(folder, manifest)
        manifest.write(folder)
    return gone


def set_aggregate(folder: Path, how: str) -> None:
    """Let an index rank passages by another aggregate of their windows' scores, see `Windows`.

    Raises:
        InputError: there is no such aggregate, or the index is missing or damaged.
    """
    with exclusive(folder):
        manifest = moved_root(folder, Manifest.read(folder))
        replace(manifest, windows=replace(manifest.windows, aggregate=how)).write(folder)


def delete_from_index(
    folder: Path, ids: Collection[str], *, before: Callable[[], object] = lambda: None
) -> int:
    """Delete passages from an index; ids that it lacks count for nothing.

    Args:
        folder: the index.
        ids: of the passages.
        before: called just before the deletion becomes valid.

    Returns:
        The number of passages that were deleted.

    Raises:
        InputError: the index is missing or damaged.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from optical_core import load_pair
        >>> from optical_core.retrieval import LiveIndex, build_index
        >>> encoder, sea = load_pair("embedded").teacher, Passage("p1", "", "The sea is salty.")
        >>> with TemporaryDirectory() as folder:
        ...     index = build_index(Path(folder, "index"), [sea], encoder)
        ...     delete_from_index(index.folder, ["p1", "p9"])
        ...     LiveIndex(index.folder).ids
        1
        ()
    """
    with exclusive(folder):
        manifest, gone = _without(folder, Manifest.read(folder), set(ids))
        before()
        if gone:
            moved_root(folder, manifest).write(folder)
    return gone


def compact_index(folder: Path) -> int:
    """Merge an index's segments into one without the dead passages, and make its modes' files anew.

    The merged segment is written beside the old ones and takes their place in one step. Meanwhile
    passages may be added, replaced and deleted: only that step waits for other writers.

    Returns:
        The number of dead passages that were dropped.

    Raises:
        InputError: the index is missing or damaged.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from optical_core import load_pair
        >>> from optical_core.retrieval import LiveIndex, build_index
        >>> encoder, sea = load_pair("embedded").teacher, Passage("p1", "", "The sea is salty.")
        >>> with TemporaryDirectory() as folder:
        ...     index = build_index(Path(folder, "index"), [sea], encoder)
        ...     compact_index(index.folder)
        ...     LiveIndex(index.folder).ids
        0
        ('p1',)
    """
    with exclusive(folder / "compacting"):
        for _ in range(_ATTEMPTS):
            dropped = compacted(folder)
            if dropped is not None:
                return dropped
        with exclusive(folder):  # others write all the time: now they wait
            manifest = Manifest.read(folder)
            manifest = replace(manifest, entries=merged(folder, manifest.entries))
            manifest.write(folder)
    return sum(len(entry.dead) for entry in manifest.entries)


def _codec(folder: Path, manifest: Manifest) -> Codec | None:
    """The codec of an index's vectors, which its segments share; None if they have none."""
    if manifest.compression.plain or not manifest.entries:
        return None
    return codec_of(TokenIndex.open(segment_folder(folder, manifest.entries[0].name)))


def _without(folder: Path, manifest: Manifest, ids: set[str]) -> tuple[Manifest, int]:
    """A manifest in which the passages with these ids are dead, and their number."""
    entries, gone = [], 0
    for entry in manifest.entries:
        known = read_json(segment_folder(folder, entry.name) / "ids.json")
        found = set(positions_of(known, ids).tolist()) - set(entry.dead)
        gone += len(found)
        dead = tuple(sorted(found.union(entry.dead))) if found else entry.dead
        if len(dead) < len(known):
            entries.append(Entry(entry.name, dead))
    return replace(manifest, entries=tuple(entries)), gone


def _small_ones_merged(folder: Path, manifest: Manifest) -> Manifest:
    sizes = [
        read_json(segment_folder(folder, entry.name) / INDEX_FILE)["tokens"]
        for entry in manifest.entries
    ]
    largest = manifest.entries[int(np.argmax(sizes))]
    rest = tuple(entry for entry in manifest.entries if entry is not largest)
    return replace(manifest, entries=(largest, *merged(folder, rest)))
