"""EncoderPair: what is trained, saved, named and searched with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from optical_core.data.lexicons import Lexicon
from optical_core.models.cards import ModelCard
from optical_core.models.token_encoder import TokenEncoder


@dataclass(frozen=True, eq=False)
class EncoderPair:
    """A student that encodes queries and the teacher that encodes passages.

    Passages are the teacher's, so one index serves every student of it. `student is teacher` for
    an undistilled encoder. `backbone` is the hash of the encoder that the student was trained from.
    `lexicons`, by language, put the words of its queries in English (see `retrieval.glossed`).
    """

    name: str
    teacher: TokenEncoder
    student: TokenEncoder
    card: ModelCard
    backbone: str | None = None
    lexicons: Mapping[str, Lexicon] = field(default_factory=dict)

    @classmethod
    def undistilled(cls, encoder: TokenEncoder) -> EncoderPair:
        """An encoder on both sides."""
        return cls(encoder.name, encoder, encoder, ModelCard(summary="undistilled"))

    @property
    def distilled(self) -> bool:
        """Is the student another encoder than the teacher?"""
        return self.student is not self.teacher
