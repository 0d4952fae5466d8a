"""Example: a query with passages that are relevant to it, and passages that aren't."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from optical_core.data.collection import Passage
from optical_core.errors import InputError


@dataclass(frozen=True)
class Example:
    """A query with keys of passages that are relevant to it, and of passages that aren't."""

    query: str
    positives: tuple[str, ...]
    negatives: tuple[str, ...] = ()
    """Judged as not relevant, or listed as such."""
    scores: tuple[float, ...] = ()
    """A teacher's scores of the positives, then of the negatives; empty if there are none."""
    source: str = ""
    language: str = "en"

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.positives, *self.negatives)

    def without(self, wrong: Collection[str]) -> Example:
        """The same example without some passages and their scores."""
        if not wrong:
            return self
        scores = tuple(
            score for key, score in zip(self.keys, self.scores, strict=False) if key not in wrong
        )
        positives = tuple(key for key in self.positives if key not in wrong)
        negatives = tuple(key for key in self.negatives if key not in wrong)
        return replace(self, positives=positives, negatives=negatives, scores=scores)


@dataclass
class ReadExamples:
    """What a reader has read: examples, passages by key, and counts of what it left out."""

    examples: list[Example] = field(default_factory=list)
    passages: dict[str, Passage] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)

    def add_passage(self, source: str, passage: Passage) -> None:
        """Keep a passage under its key.

        Raises:
            InputError: its id comes twice.
        """
        key = f"{source}/{passage.id}"
        if key in self.passages:
            raise InputError(f"{source}: the passage id {passage.id!r} comes twice")
        self.passages[key] = Passage(key, passage.title, passage.text)
