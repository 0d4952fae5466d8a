"""EncoderPair: the unit that is trained, saved, named and searched with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from optical_core.data.lexicons import Lexicon, lexicons_of
from optical_core.models.cards import ModelCard
from optical_core.models.token_encoder import TokenEncoder


@dataclass(frozen=True, eq=False)
class EncoderPair:
    """A student that encodes queries and the teacher that encodes passages.

    The teacher encodes the passages, so all its students share one index. A student that encodes
    passages too stands in the teacher's place, and has an index of its own.

    Attributes:
        name: of the pair.
        teacher: encodes passages.
        student: encodes queries; the teacher itself in an undistilled pair.
        card: describes the training.
        backbone: hash of the encoder that the student's training started from.
        lexicon_folder: holds its lexicons; None without any.
        unfamiliar: languages of lexicons that the student hardly knows (see `retrieval.glossed`).
    """

    name: str
    teacher: TokenEncoder
    student: TokenEncoder
    card: ModelCard
    backbone: str | None = None
    lexicon_folder: Path | None = None
    unfamiliar: tuple[str, ...] = ()

    @classmethod
    def undistilled(cls, encoder: TokenEncoder) -> EncoderPair:
        """Use one encoder on both sides."""
        return cls(encoder.name, encoder, encoder, ModelCard(summary="undistilled"))

    @cached_property
    def lexicons(self) -> Mapping[str, Lexicon]:
        """By language; they put the words of queries in English (see `retrieval.glossed`).

        Read when first asked for: only searching needs them.

        Raises:
            InputError: a file is no lexicon, or two are of one language.
        """
        return lexicons_of(self.lexicon_folder) if self.lexicon_folder else {}

    @property
    def distilled(self) -> bool:
        """Whether the student was trained, or is another encoder than the one of passages."""
        return self.backbone is not None or self.student is not self.teacher
