"""Passages, and the corpus file of a collection."""

from __future__ import annotations

import hashlib
import math
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from optical_core.data.fields import Row, identifier
from optical_core.data.languages import known_code
from optical_core.data.lines import read_jsonl, write_jsonl
from optical_core.errors import InputError

NO_FIELDS: Mapping[str, Any] = {}
"""One for all passages without other fields: a million empty dictionaries take 64 MB."""


LANGUAGE_FIELDS = ("lang", "language")
"""Fields that may say a passage's language."""


@dataclass(frozen=True)
class Passage:
    """A passage: `text` is shown, `full_text` is encoded and indexed.

    Attributes:
        id: has no white space.
        title: may be empty.
        text: the passage without its title.
        fields: name -> value of the other fields of its row: language, year, source, anything.
    """

    id: str
    title: str
    text: str
    fields: Mapping[str, Any] = field(default_factory=lambda: NO_FIELDS, hash=False)

    @classmethod
    def from_row(cls, row: Row, key: str = "_id") -> Passage:
        """Make a passage from a row of a corpus: its id, `text`, if there is one `title`, the rest.

        A null counts as an empty text, and in other fields a number that isn't finite as null: JSON
        has no such numbers.

        Raises:
            InputError: a field is no id or no text.
        """
        own = {key, "_id", "title", "text"}
        fields = {name: _plain(value) for name, value in row.items() if name not in own}
        texts = row.text_or_empty("title"), row.text_or_empty("text")
        return cls(row.id(key), *texts, fields or NO_FIELDS)

    def as_row(self) -> dict[str, Any]:
        """A row of a corpus, as `from_row` takes it."""
        return {"_id": self.id, "title": self.title, "text": self.text, **self.fields}

    @property
    def language(self) -> str | None:
        """Code of the passage's own language, from its field `lang` or else `language`, if it says.

        Examples:
            >>> Passage("p1", "", "bahari", {"lang": "swa"}).language
            'sw'
        """
        told = (self.fields[name] for name in LANGUAGE_FIELDS if name in self.fields)
        return next((known_code(value) for value in told if isinstance(value, str)), None)

    @property
    def text_hash(self) -> str:
        """Changes with what is encoded, 16 hexadecimal digits."""
        return hashlib.blake2b(self.full_text.encode(), digest_size=8).hexdigest()

    @property
    def full_text(self) -> str:
        """Title and text as one string, as BEIR's models read them."""
        return f"{self.title}. {self.text}" if self.title else self.text


def _plain(value: Any) -> Any:
    """A field's value as JSON has it: NaN and the infinities become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def write_corpus(
    path: Path, passages: Iterable[Passage], where: str, *, opener: Callable[..., Any] = open
) -> None:
    """Write passages, with 8 bytes of memory for each: a set of all ids might not fit.

    Args:
        path: of the corpus.
        passages: may be streamed.
        where: errors begin with it.
        opener: opens the file as `open` does; it may compress.

    Raises:
        InputError: there are no passages, or an id comes twice.
    """
    hashes = array("q")

    def rows() -> Iterator[dict[str, Any]]:
        for passage in passages:
            hashes.append(hash(identifier(passage.id, where)))
            yield passage.as_row()

    write_jsonl(path, rows(), opener=opener)
    if not hashes:
        raise InputError(f"{where}: there are no passages")
    if len(np.unique(hashes)) < len(hashes):  # an id comes twice, or two ids share a hash
        deque(each_once(map(Passage.from_row, read_jsonl(path)), where), maxlen=0)


def each_once(passages: Iterable[Passage], where: str) -> Iterator[Passage]:
    """Pass the passages on.

    Raises:
        InputError: an id comes twice, or can't be written to a run.
    """
    seen: set[str] = set()
    for passage in passages:
        if identifier(passage.id, where) in seen:
            raise InputError(f"{where}: the id {passage.id!r} comes twice")
        seen.add(passage.id)
        yield passage
