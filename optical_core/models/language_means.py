"""LanguageMeans: the last step of an encoder that takes a language's mean vector off.

Token vectors of one language lie around a mean of their own, which makes texts of one language
alike whatever they say. Taking each language's mean off (less the mean of English) is the
training-free baseline of multilingual retrieval (Libovický, Rosa and Fraser 2020; SHIFT, Jang et
al. 2026, which takes it off passages). The means are those of bitext, so that all languages say the
same.

A text's language isn't told: a linear discriminant of the mean of its token vectors decides.
English texts keep their vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from optical_core.data.languages import is_english
from optical_core.errors import InputError

Encode = Callable[[Sequence[str]], list[np.ndarray]]
FEWEST = 20
"""Sentences that a language needs."""


class LanguageMeans(torch.nn.Module):
    """Takes the mean of a text's language off its token vectors, which get unit length again.

    Attributes:
        codes: of the L languages.
        means: (L, d), relative to English: 0 for English.
        weights: (L, d) of the discriminant.
        bias: (L,) of the discriminant.
    """

    means: Tensor
    weights: Tensor
    bias: Tensor

    def __init__(self, codes: Sequence[str], means: Tensor, weights: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.codes = tuple(codes)
        for name, value in (("means", means), ("weights", weights), ("bias", bias)):
            self.register_buffer(name, value.float().contiguous())

    @classmethod
    def of(cls, encode: Encode, texts: Mapping[str, Sequence[str]]) -> LanguageMeans:
        """Estimate the means of an encoder.

        Args:
            encode: gives the token vectors of texts.
            texts: code -> sentences, the same ones in every language as far as possible; English
                is one of them.

        Raises:
            InputError: there is no English, no other language, or too little of one.
        """
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        english = next((code for code in texts if is_english(code)), None)
        if english is None or len(texts) < 2:
            raise InputError("means need sentences in English and in another language")
        if few := next((code for code, of_one in texts.items() if len(of_one) < FEWEST), None):
            raise InputError(
                f"the mean of {few} needs {FEWEST} sentences or more, there are {len(texts[few])}"
            )
        vectors = {code: [v for v in encode(of_one) if len(v)] for code, of_one in texts.items()}
        means = np.stack([np.concatenate(found).mean(0) for found in vectors.values()])
        rows = np.stack([v.mean(0) for found in vectors.values() for v in found])
        numbers = np.repeat(np.arange(len(vectors)), [len(found) for found in vectors.values()])
        fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(rows, numbers)
        weights, bias = fitted.coef_, fitted.intercept_
        if len(vectors) == 2:  # one row tells the second language from the first
            weights = np.concatenate([np.zeros_like(weights), weights])
            bias = np.concatenate([np.zeros_like(bias), bias])
        parts = (means - means[list(vectors).index(english)], weights, bias)
        return cls(list(vectors), *(torch.from_numpy(np.asarray(part)) for part in parts))

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """Change `token_embeddings` (B, tokens, d) by the language of each text."""
        vectors = features["token_embeddings"]
        mask = features["attention_mask"].to(vectors)[..., None]
        middles = (vectors * mask).sum(1) / mask.sum(1).clamp(min=1)
        chosen = self.languages(middles)
        moved = vectors - self.means[chosen].to(vectors)[:, None]
        # Where nothing is taken off, the vectors stay as they are, to the last bit.
        same = ~self.means[chosen].any(1)[:, None, None]
        unit = torch.nn.functional.normalize(moved, dim=-1)
        return features | {"token_embeddings": torch.where(same, vectors, unit)}

    def languages(self, middles: Tensor) -> Tensor:
        """Numbers (B,) of the languages of texts, by the means (B, d) of their token vectors."""
        return (middles.float() @ self.weights.T + self.bias).argmax(1)
