"""A student with another backbone than its teacher's: it has to learn the teacher's space.

The two tokenizers differ, so the teacher reads its own tokens of the English side; and the
student begins where a linear map brings its tokens nearest to the teacher's, on English words,
which both sides have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from sentence_transformers.base.modules import Dense
from sentence_transformers.multi_vector_encoder.data_collator import MultiVectorEncoderDataCollator

from optical_core.models.deltas import with_projection
from optical_core.models.token_encoder import TokenEncoder

RIDGE = 1e-3
"""Weight of the penalty on the map, as a share of the mean square of its input."""


@dataclass
class TwoTokenizers(MultiVectorEncoderDataCollator):
    """Collator in which the teacher's own `preprocess` reads the columns that it encodes."""

    teacher_preprocess: Callable[..., Any] = field(kw_only=True)
    teacher_columns: tuple[str, ...] = ("english", "passage")

    @classmethod
    def of(cls, collator: MultiVectorEncoderDataCollator, teacher: TokenEncoder) -> TwoTokenizers:
        """A trainer's own collator, but for the teacher's columns."""
        return cls(
            collator.preprocess_fn,
            collator.valid_label_columns,
            collator.router_mapping,
            collator.prompts,
            collator.max_length,
            teacher_preprocess=teacher.model.preprocess,
        )

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        own = [
            {key: value for key, value in row.items() if key not in self.teacher_columns}
            for row in features
        ]
        theirs = [
            {key: value for key, value in row.items() if key in self.teacher_columns}
            for row in features
        ]
        batch = super().__call__(own)
        mine, self.preprocess_fn = self.preprocess_fn, self.teacher_preprocess
        try:
            return {**batch, **super().__call__(theirs)}
        finally:
            self.preprocess_fn = mine


def student_of(backbone: TokenEncoder, teacher: TokenEncoder, english: Sequence[str]) -> Any:
    """The backbone's modules, their last linear layer fitted to the teacher's space.

    Least squares from the backbone's word vectors (the mean of a word's token vectors) to the
    teacher's, over the words of `english` sentences. Raises InputError where sizes differ.
    """
    start = with_projection(backbone, teacher.dimension)
    before, after = [], []
    for text, x, y in zip(
        english, start.encode_queries(english), teacher.encode_queries(english), strict=True
    ):
        ours = _by_word(start, text, x)
        theirs = _by_word(teacher, text, y)
        for word in ours.keys() & theirs.keys():
            before.append(ours[word])
            after.append(theirs[word])
    x, y = np.stack(before).astype(np.float64), np.stack(after).astype(np.float64)
    penalty = RIDGE * len(x) * (x**2).mean() * np.eye(x.shape[1])
    matrix = torch.from_numpy(np.linalg.solve(x.T @ x + penalty, x.T @ y).T)
    layer = next(module for module in start.model if isinstance(module, Dense)).linear
    with torch.no_grad():
        # Unit length comes after the layer, so a map of unit vectors is one of those before it.
        layer.weight.copy_(matrix @ layer.weight.double().cpu())
        layer.bias.copy_(matrix @ layer.bias.double().cpu())
    return start.model


def _by_word(encoder: TokenEncoder, text: str, vectors: np.ndarray) -> dict[int, np.ndarray]:
    """Word -> mean of its tokens' vectors."""
    words = [token.word for token in encoder.scored_tokens(text, "query")]
    by_word: dict[int, list[np.ndarray]] = {}
    for word, vector in zip(words, vectors, strict=True):
        if word >= 0:
            by_word.setdefault(word, []).append(vector)
    return {word: np.mean(parts, axis=0) for word, parts in by_word.items()}
