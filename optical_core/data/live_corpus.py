"""Corpus: the passages of a collection's folder, which may change while they are used."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from optical_core.data.changes import Changes, corpus_stamp
from optical_core.data.compression import on_disk
from optical_core.data.corpus import Passage, each_once
from optical_core.data.lines import read_jsonl
from optical_core.data.where import FieldTable


class Corpus:
    """Passages as they are in the files (`passages`), and as they were first read (`by_id`).

    Attributes:
        folder: of the collection.
        stamp: the state of the files when this object was made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stamp = corpus_stamp(folder)

    def passages(self) -> Iterator[Passage]:
        """Stream the present passages.

        Raises:
            InputError: a file is missing or damaged, or an id comes twice.
        """
        # The changes first: merged into the corpus meanwhile, they change nothing.
        found = Changes.read(self.folder)
        path = on_disk(self.folder / "corpus.jsonl")
        rows = map(Passage.from_row, read_jsonl(path, ("_id", "text")))
        return found.over(each_once(rows, str(path)))

    @cached_property
    def ids(self) -> frozenset[str]:
        """Ids of all passages."""
        return frozenset(passage.id for passage in self.passages())

    @cached_property
    def by_id(self) -> dict[str, Passage]:
        """All passages by id."""
        found = Changes.read(self.folder)
        return {passage.id: passage for passage in found.over(self._written.values())}

    @cached_property
    def _written(self) -> dict[str, Passage]:
        """The passages of corpus.jsonl."""
        path = on_disk(self.folder / "corpus.jsonl")
        rows = map(Passage.from_row, read_jsonl(path, ("_id", "text")))
        return {passage.id: passage for passage in each_once(rows, str(path))}

    def refreshed(self) -> Corpus:
        """The corpus as it is now; itself if it hasn't changed. Only what changed is read."""
        if corpus_stamp(self.folder) == self.stamp:
            return self
        fresh = Corpus(self.folder)
        if fresh.stamp.written == self.stamp.written and "_written" in vars(self):
            vars(fresh)["_written"] = self._written
        return fresh

    def matching(self, where: str) -> frozenset[str]:
        """Ids of the passages that a condition on their fields holds for; see `where`.

        Raises:
            InputError: it is no condition on the fields, or takes too long.
        """
        return self._fields.matching(where)

    @cached_property
    def _fields(self) -> FieldTable:
        return FieldTable(self.by_id.values())
