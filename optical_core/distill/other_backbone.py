"""A student with another backbone than its teacher's: it has to learn the teacher's space.

The two tokenizers differ, so the teacher reads the English side with its own. The student begins
with the linear map that brings its tokens closest to the teacher's on English words, which both
encoders read.
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
    """Collator that reads the teacher's columns with the teacher's own `preprocess`."""

    teacher_preprocess: Callable[..., Any] = field(kw_only=True)
    teacher_columns: tuple[str, ...] = ("english", "passage")

    @classmethod
    def of(cls, collator: MultiVectorEncoderDataCollator, teacher: TokenEncoder) -> TwoTokenizers:
        """Extend a trainer's own collator."""
        return cls(
            collator.preprocess_fn,
            collator.valid_label_columns,
            collator.router_mapping,
            collator.prompts,
            collator.max_length,
            teacher_preprocess=teacher.model.preprocess,
        )

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        student = [
            {key: value for key, value in row.items() if key not in self.teacher_columns}
            for row in features
        ]
        teacher = [
            {key: value for key, value in row.items() if key in self.teacher_columns}
            for row in features
        ]
        batch = super().__call__(student)
        before, self.preprocess_fn = self.preprocess_fn, self.teacher_preprocess
        try:
            return {**batch, **super().__call__(teacher)}
        finally:
            self.preprocess_fn = before


def student_of(backbone: TokenEncoder, teacher: TokenEncoder, english: Sequence[str]) -> Any:
    """Fit the last linear layer of the backbone's modules to the teacher's space.

    The fit is least squares from the backbone's word vectors (the mean of a word's token vectors)
    to the teacher's, over the words of `english` sentences.

    Raises:
        InputError: the encoders' vectors have different sizes.
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
        # Unit length follows the layer, so a map fitted to unit vectors also fits those before it.
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
