"""What has changed in a collection's corpus since it was written, without writing it anew.

    corpus.changes.jsonl   passages that were added or replaced, as in corpus.jsonl; and
                           {"_id", "_deleted": true}

The file is replaced in one step, and each id is in it once. Applied to a corpus that has the
changes already, it changes nothing: a reader may meet an old or a new corpus.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from optical_core.data.compression import on_disk, plain_name
from optical_core.data.corpus import Passage, write_corpus
from optical_core.data.lines import read_jsonl, write_jsonl
from optical_core.errors import InputError
from optical_core.storage import exclusive, file_state, replace_file

FILE = "corpus.changes.jsonl"
_DELETED = "_deleted"
_PACKED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


class Stamp(NamedTuple):
    """The state of a corpus: another one after each change of its files."""

    written: tuple[int, ...] | None
    changes: tuple[int, ...] | None


@dataclass(frozen=True)
class Changes:
    """Changes of a corpus.

    Attributes:
        put: id -> passage, of those that were added or replaced.
        deleted: ids of those that were deleted.

    Examples:
        >>> sea, moon = Passage("p1", "", "The sea"), Passage("p2", "", "The moon")
        >>> changes = Changes().then([Passage("p2", "", "The full moon")], ["p1"])
        >>> [passage.text for passage in changes.over([sea, moon])]
        ['The full moon']
    """

    put: Mapping[str, Passage] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()

    @classmethod
    def read(cls, folder: Path) -> Changes:
        """The changes in a collection's folder; none if there is no such file.

        Raises:
            InputError: the file is damaged.
        """
        put: dict[str, Passage] = {}
        deleted: set[str] = set()
        path = folder / FILE
        if not path.is_file():
            return cls()
        for row in read_jsonl(path, ("_id",)):
            name = row.id("_id")
            if name in put or name in deleted:
                raise InputError(f"{row.where}: the id {name!r} comes twice")
            if row.get(_DELETED) is True:
                deleted.add(name)
            elif "text" in row:
                put[name] = Passage.from_row(row)
            else:
                raise InputError(f"{row.where}: no field 'text', and {_DELETED!r} is not true")
        return cls(put, frozenset(deleted))

    def write(self, folder: Path) -> None:
        """Put these changes in force, in place of those before."""
        with replace_file(folder / FILE) as temporary:
            rows = [{"_id": name, _DELETED: True} for name in sorted(self.deleted)]
            write_jsonl(temporary, [*(passage.as_row() for passage in self.put.values()), *rows])

    def then(self, put: Iterable[Passage], deleted: Iterable[str]) -> Changes:
        """These changes, then others."""
        added = {passage.id: passage for passage in put}
        gone = frozenset(deleted) - added.keys()
        kept = {name: passage for name, passage in self.put.items() if name not in gone}
        return Changes(kept | added, (self.deleted - added.keys()) | gone)

    def over(self, passages: Iterable[Passage]) -> Iterator[Passage]:
        """The passages with these changes: replaced ones in their places, added ones at the end."""
        waiting = dict(self.put)
        for passage in passages:
            if passage.id not in self.deleted:
                yield waiting.pop(passage.id, passage)
        yield from waiting.values()


def corpus_stamp(folder: Path) -> Stamp:
    """The state of the corpus in a collection's folder."""
    return Stamp(file_state(on_disk(folder / "corpus.jsonl")), file_state(folder / FILE))


def was_changed(folder: Path) -> bool:
    """Whether passages changed after a collection was written, as far as its files tell.

    Of changes that are merged into the corpus only its time tells: `write_collection` writes
    collection.json last.
    """
    if (folder / FILE).is_file():
        return True
    files = on_disk(folder / "corpus.jsonl"), folder / "collection.json"
    if not all(file.is_file() for file in files):
        return False
    corpus, info = (file.stat().st_mtime_ns for file in files)
    return corpus > info


def change_corpus(
    folder: Path, put: Iterable[Passage], deleted: Collection[str]
) -> tuple[Stamp, Stamp]:
    """Add, replace and delete passages of a collection, in one step.

    Returns:
        The state of the corpus before and after.
    """
    with exclusive(folder):
        before = corpus_stamp(folder)
        Changes.read(folder).then(put, deleted).write(folder)
        return before, corpus_stamp(folder)


def compact_corpus(folder: Path) -> None:
    """Write a collection's corpus anew, with its changes; it stays compressed if it was.

    Raises:
        InputError: nothing would be left, or the corpus is compressed by zstd.
    """
    with exclusive(folder):
        changes = Changes.read(folder)
        if not (folder / FILE).is_file():
            return
        corpus = on_disk(folder / "corpus.jsonl")
        ending = corpus.name.removeprefix(plain_name(corpus.name))
        if ending and ending not in _PACKED:
            raise InputError(f"{corpus}: unpack it; {ending} files are read, not written")
        passages = map(Passage.from_row, read_jsonl(corpus, ("_id", "text")))
        with replace_file(corpus) as temporary:
            opener = _PACKED.get(ending, open)
            write_corpus(temporary, changes.over(passages), str(corpus), opener=opener)
        # If this process is killed here, the changes are applied again and change nothing.
        (folder / FILE).unlink()
