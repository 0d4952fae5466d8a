"""Change a collection's passages together with its indexes.

The collection is what counts: it says which passages there are, and its indexes follow it. A change
is first encoded, then noted in the collection, then made valid in the index; the last two steps
take milliseconds. If the process dies between them, the next search brings the index in step.
"""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from optical_core.data.changes import Stamp, change_corpus, compact_corpus, corpus_stamp
from optical_core.data.collection import Collection, Passage, is_shipped
from optical_core.data.corpus import each_once
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.in_step import is_in_step, note
from optical_core.retrieval.indexing import collection_index, collection_indexes
from optical_core.retrieval.live_index import LiveIndex
from optical_core.retrieval.manifest import manifest_stamp
from optical_core.retrieval.updating import compact_index, delete_from_index, update_index


class Updated(NamedTuple):
    """What an update has done: numbers of passages.

    Attributes:
        added: that weren't in the collection.
        replaced: that were.
        encoded: whose text is new.
    """

    added: int
    replaced: int
    encoded: int


def update_collection(
    collection: Collection,
    passages: Iterable[Passage],
    encoder: TokenEncoder,
    *,
    index: Path | None = None,
    batch_size: int = 32,
    progress: bool = False,
) -> Updated:
    """Add passages to a collection and to an index of it; one whose id is there is replaced.

    Only new texts are encoded. The collection's other indexes follow when they are next opened.

    Args:
        collection: is changed on the disk.
        passages: at least one; each id once.
        encoder: the teacher that built the index.
        index: folder of the index; None for the encoder's own under indexes/, which is built if it
            is missing.
        batch_size: passages encoded together.
        progress: show a progress bar?

    Raises:
        InputError: the collection comes with the package, an id comes twice, there are no passages,
            or the index is missing or another encoder's.
    """
    check_own(collection)
    put = list(each_once(passages, "the update"))
    if not put:
        raise InputError("there are no passages to update")
    if index is None:
        index = collection_index(
            collection, encoder, batch_size=batch_size, progress=progress
        ).folder
    opened = LiveIndex(index)
    opened.check_encoder(encoder)
    ids = frozenset(passage.id for passage in put)
    known, there = opened.text_hashes(ids) or {}, opened.present(ids)
    new = [passage for passage in put if known.get(passage.id) != passage.text_hash]
    step = _Step(collection.folder, index, put)
    if new:
        update_index(
            index, new, encoder, before=step.take, batch_size=batch_size, progress=progress
        )
    else:
        step.take()
    step.note()
    return Updated(len(ids - there), len(there), len(new))


def delete_passages(collection: Collection, ids: Ids[str], *, index: Path | None = None) -> int:
    """Delete passages from a collection and from all its indexes; unknown ids count for nothing.

    The texts and vectors stay on the disk, unread, until `compact_collection`.

    Args:
        collection: is changed on the disk.
        ids: of the passages.
        index: folder of an index that isn't under indexes/.

    Returns:
        The number of passages that were deleted.

    Raises:
        InputError: the collection comes with the package, or would have no passages left.
    """
    check_own(collection)
    folders = _indexes(collection, index)
    gone, count = _present(collection, frozenset(ids), folders)
    if len(gone) == count:
        raise InputError(f"nothing would be left of {collection.name}: remove the collection")
    if gone:
        before, after = change_corpus(collection.folder, (), gone)
        for folder in folders:
            in_step = is_in_step(folder, before)
            delete_from_index(folder, gone)
            if in_step:
                note(folder, after, manifest_stamp(folder))
    return len(gone)


def compact_collection(collection: Collection, *, index: Path | None = None) -> None:
    """Write a collection's corpus anew with its changes, and merge the segments of its indexes.

    What was deleted is then gone from the disk. Searches go on meanwhile.

    Args:
        collection: is changed on the disk.
        index: folder of an index that isn't under indexes/.

    Raises:
        InputError: the collection comes with the package, or an index is damaged.
    """
    check_own(collection)
    compact_corpus(collection.folder)
    for folder in _indexes(collection, index):
        compact_index(folder)


class _Step:
    """Note a change in a collection; and that an index is in step with it, if it was before."""

    def __init__(self, collection: Path, index: Path, put: list[Passage]) -> None:
        self.collection, self.index, self.put = collection, index, put
        self.reached: Stamp | None = None

    def take(self) -> None:
        """Change the collection; the index still is as it was."""
        before, after = change_corpus(self.collection, self.put, ())
        self.reached = after if is_in_step(self.index, before) else None

    def note(self) -> None:
        """Note that the index has the change."""
        if self.reached:
            note(self.index, self.reached, manifest_stamp(self.index))


def _present(
    collection: Collection, ids: frozenset[str], indexes: list[Path]
) -> tuple[set[str], int]:
    """Those of some ids that a collection has, and the number of its passages."""
    stamp = corpus_stamp(collection.folder)
    for folder in indexes:
        if is_in_step(folder, stamp):
            index = LiveIndex(folder)
            return index.present(ids), len(index)
    known = {passage.id for passage in collection.passages()}
    return known & ids, len(known)


def _indexes(collection: Collection, index: Path | None) -> list[Path]:
    return [*collection_indexes(collection), *([index] if index else [])]


def check_own(collection: Collection) -> None:
    """Check that a collection may be changed.

    Raises:
        InputError: it comes with the package.
    """
    if is_shipped(collection):
        raise InputError(
            "the demo collection comes with the package and stays as it is: copy its folder "
            f"({collection.folder}), and change the copy"
        )
