"""EncoderPair: the unit that is trained, saved, named and searched with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from optical_core.data.lexicons import Lexicon
from optical_core.models.cards import ModelCard
from optical_core.models.token_encoder import TokenEncoder


@dataclass(frozen=True, eq=False)
class EncoderPair:
    """A student that encodes queries and the teacher that encodes passages.

    The teacher encodes the passages, so all its students share one index.

    Attributes:
        name: of the pair.
        teacher: encodes passages.
        student: encodes queries; the teacher itself in an undistilled pair.
        card: describes the training.
        backbone: hash of the encoder that the student's training started from.
        lexicons: by language; they put the words of queries in English (see `retrieval.glossed`).
    """

    name: str
    teacher: TokenEncoder
    student: TokenEncoder
    card: ModelCard
    backbone: str | None = None
    lexicons: Mapping[str, Lexicon] = field(default_factory=dict)

    @classmethod
    def undistilled(cls, encoder: TokenEncoder) -> EncoderPair:
        """Use one encoder on both sides."""
        return cls(encoder.name, encoder, encoder, ModelCard(summary="undistilled"))

    @property
    def distilled(self) -> bool:
        """Whether the student is another encoder than the teacher."""
        return self.student is not self.teacher
