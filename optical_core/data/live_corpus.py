"""Corpus: the passages of a collection's folder, which may change while they are used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from optical_core.data.changes import Changes, corpus_stamp
from optical_core.data.compression import on_disk
from optical_core.data.corpus import Passage, each_once
from optical_core.data.languages import language, matching
from optical_core.data.lines import read_jsonl
from optical_core.data.where import FieldTable, in_languages
from optical_core.errors import InputError
from optical_core.wording import listed


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
            InputError: a file is missing or damaged, an id comes twice, or there are no passages.
        """
        # The changes first: merged into the corpus meanwhile, they change nothing.
        found = Changes.read(self.folder)
        path = on_disk(self.folder / "corpus.jsonl")
        rows = map(Passage.from_row, read_jsonl(path, ("_id", "text")))
        return _some(found.over(each_once(rows, str(path))), path)

    @property
    def ids(self) -> frozenset[str]:
        """Ids of all passages."""
        return self._told[0]

    @cached_property
    def _told(self) -> tuple[frozenset[str], dict[str, str]]:
        """All ids, and the language of those that say theirs, from one pass over the passages."""
        known = self.by_id.values() if "by_id" in vars(self) else self.passages()
        ids, languages = set(), {}
        for passage in known:
            ids.add(passage.id)
            if code := passage.language:
                languages[passage.id] = code
        return frozenset(ids), languages

    @cached_property
    def by_id(self) -> dict[str, Passage]:
        """All passages by id."""
        found = Changes.read(self.folder)
        passages = found.over(self._written.values())
        path = on_disk(self.folder / "corpus.jsonl")
        return {passage.id: passage for passage in _some(passages, path)}

    @cached_property
    def _written(self) -> dict[str, Passage]:
        """The passages of corpus.jsonl."""
        path = on_disk(self.folder / "corpus.jsonl")
        rows = map(Passage.from_row, read_jsonl(path, ("_id", "text")))
        return {passage.id: passage for passage in each_once(rows, str(path))}

    @cached_property
    def languages(self) -> dict[str, int]:
        """Code -> number of the passages that say that they are in it, most first."""
        return dict(Counter(self._told[1].values()).most_common())

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

    def among(self, where: str, languages: Sequence[str] = ()) -> frozenset[str] | None:
        """Ids of the passages in some languages that a condition holds for; None for all passages.

        Args:
            where: the condition; empty for none.
            languages: codes; none for any.

        Raises:
            InputError: the condition is wrong, or no passage says that it is in one of them.
        """
        chosen: list[str] = []
        for code in languages:
            found = matching(code, self.languages)
            if not found:
                raise InputError(
                    f"no passage says that it is in {language(code).name}: their `lang` is "
                    f"{listed([*self.languages]) or 'missing'}"
                )
            chosen += found
        condition = in_languages(chosen, where)
        return self.matching(condition) if condition else None

    def language_of(self, usual: str | None) -> dict[str, str]:
        """Passage id -> code of its language; empty if the passages are in fewer than two.

        Args:
            usual: code of the passages that don't say theirs; None leaves them out.
        """
        if not self.languages:
            return {}
        ids, told = self._told
        rest = dict.fromkeys(ids - told.keys(), usual) if usual else {}
        found = told | rest
        return found if len(set(found.values())) > 1 else {}

    @cached_property
    def _fields(self) -> FieldTable:
        return FieldTable(self.by_id.values())


def _some(passages: Iterator[Passage], path: Path) -> Iterator[Passage]:
    """Pass the passages on.

    Raises:
        InputError: there are none.
    """
    first = next(passages, None)
    if first is None:
        raise InputError(f"{path}: there are no passages")
    yield first
    yield from passages
