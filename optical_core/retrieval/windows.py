"""Windows: long passages are indexed in overlapping parts, and ranked whole.

An encoder reads so many tokens and no more. A longer passage is cut into windows of `length`
tokens, each `stride` tokens after the one before, at the beginning of words. Each window is encoded
by itself. A passage's score is made from its windows' (Dai and Callan 2019): the best one (MaxP),
the first one (FirstP) or their sum (SumP). The windows of `doc` are called `doc#1`, `doc#2`, ….
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from optical_core.data.corpus import Passage
from optical_core.data.words import word_starts
from optical_core.errors import InputError
from optical_core.wording import counted

if TYPE_CHECKING:
    from optical_core.models.token_encoder import TokenEncoder

AGGREGATES = ("max", "first", "sum")
USUAL = 180
"""Length of a window in tokens that is proposed, as PLAID-X has it."""
SHORTEST = 16
_SNAP = 8
"""A window begins with a word, unless that is more than so many tokens away."""


@dataclass(frozen=True)
class Window:
    """A part of a passage.

    Attributes:
        name: the passage's id, `#` and the number, from 1.
        number: from 1.
        count: of the passage's windows.
        start: where it begins in the passage's `full_text`.
        end: where it ends.
    """

    name: str
    number: int
    count: int
    start: int
    end: int


@dataclass(frozen=True)
class Windows:
    """How the passages of an index are cut. A value out of its range raises InputError.

    Attributes:
        length: of a window, in tokens; 0 for whole passages.
        stride: tokens from the beginning of a window to that of the next one.
        aggregate: what a passage's score is: `max`, `first` or `sum` of its windows'.

    Examples:
        >>> Windows(180, 90).to_dict()
        {'length': 180, 'stride': 90, 'aggregate': 'max'}
        >>> Windows().plain
        True
    """

    length: int = 0
    stride: int = 0
    aggregate: str = "max"

    def __post_init__(self) -> None:
        if self.aggregate not in AGGREGATES:
            raise InputError(
                f"windows can't be aggregated by {self.aggregate!r}: give {', '.join(AGGREGATES)}"
            )
        if self.length and self.length < SHORTEST:
            raise InputError(f"a window has at least {SHORTEST} tokens, not {self.length}")
        if self.length and not 1 <= self.stride <= self.length:
            raise InputError(
                f"the stride of windows of {self.length} tokens is 1 to {self.length}, "
                f"not {self.stride}: no token may be left out"
            )

    @property
    def plain(self) -> bool:
        """Are passages indexed whole?"""
        return not self.length

    def same_cut(self, other: Windows) -> bool:
        """Do both cut passages alike?"""
        return (self.length, self.stride) == (other.length, other.stride)

    def check(self, encoder: TokenEncoder) -> None:
        """Check that an encoder can read such windows.

        Raises:
            InputError: they are too long.
        """
        most = encoder.room("passage") - _SNAP
        if self.length > most:
            raise InputError(
                f"windows of {self.length} tokens are too long for the encoder {encoder.name}: "
                f"give {most} or less"
            )

    def spans(self, encoder: TokenEncoder, text: str) -> list[tuple[int, int]]:
        """Where the windows of a text begin and end; one window if it is short."""
        if self.plain:
            return [(0, len(text))]
        encoded = encoder.model.tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        begins = [begin for begin, _ in encoded["offset_mapping"]]
        starts = word_starts(text) if len(begins) > self.length else []

        def cut(token: int) -> int:
            """The beginning of a token's word, if it is near."""
            word = starts[bisect_right(starts, begins[token]) - 1]
            return word if word >= begins[max(0, token - _SNAP)] else begins[token]

        spans, first = [], 0
        while first + self.length < len(begins):
            spans.append((cut(first) if first else 0, cut(first + self.length)))
            first += self.stride
        return [*spans, (cut(first) if first else 0, len(text))]

    def texts(self, encoder: TokenEncoder, passage: Passage) -> list[str]:
        """The texts of a passage's windows."""
        text = passage.full_text
        return [text[begin:end] for begin, end in self.spans(encoder, text)]

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values, for index.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any] | None) -> Windows:
        """The windows of an index.json; whole passages if it says nothing of them."""
        return cls(**facts) if facts else WHOLE


WHOLE = Windows()
"""Passages are indexed whole."""


@dataclass
class Cuts:
    """Counts what an encoder's limit cuts off passages.

    Attributes:
        encoder: the teacher.
        seen: passages.
        passages: those that are too long.
        tokens: that are cut off.
    """

    encoder: TokenEncoder
    seen: int = 0
    passages: int = 0
    tokens: int = 0
    _room: int = field(init=False)

    def __post_init__(self) -> None:
        self._room = self.encoder.room("passage")

    def add(self, text: str) -> None:
        """Count a passage's text."""
        self.seen += 1
        # A token has a byte or more, except one mark at the beginning of words: most need no count.
        if len(text.encode()) < self._room:
            return
        if cut := self.encoder.truncated(text, "passage"):
            self.passages += 1
            self.tokens += cut

    def sentence(self) -> str:
        """What is cut off, and what helps; empty if nothing is."""
        if not self.passages:
            return ""
        length = max(SHORTEST, min(USUAL, self._room - _SNAP))
        return (
            f"{self.loss()}; --window {length} --stride {length // 2} indexes overlapping windows "
            "instead"
        )

    def loss(self) -> str:
        """What is cut off; empty if nothing is."""
        if not self.passages:
            return ""
        share = self.tokens / (self.tokens + self.passages * self._room)
        verb, whose = ("is", "its") if self.passages == 1 else ("are", "their")
        return (
            f"{self.passages:,} of {counted(self.seen, 'passage')} {verb} longer than the "
            f"{self._room} tokens that the encoder reads: {self.tokens:,} of {whose} tokens "
            f"({share:.0%}) are cut off"
        )


def count_cuts(passages: Iterable[Passage], encoder: TokenEncoder) -> Cuts:
    """Count what an encoder's limit would cut off passages.

    Examples:
        >>> from optical_core import load_pair
        >>> passages = [Passage("p1", "", "The sea is salty. " * 200)]
        >>> cuts = count_cuts(passages, load_pair("embedded").teacher)
        >>> cuts.passages, cuts.tokens > 0
        (1, True)
    """
    cuts = Cuts(encoder)
    for passage in passages:
        cuts.add(passage.full_text)
    return cuts
