"""Token vectors of the demo's translated sentences, from the embedded encoder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from optical_core.data.bitext import SentencePair, read_bitext
from optical_core.models.token_encoder import TokenEncoder
from optical_core.storage import assets
from optical_core.transport import cosine_cost, real_tokens


def demo_pairs(count: int, *, seed: int = 0) -> list[SentencePair]:
    """Draw pairs of all the demo's languages, without repetition."""
    pairs = read_bitext(assets("demo", "bitext.tsv")).pairs
    chosen = np.random.default_rng(seed).permutation(len(pairs))[:count]
    return [pairs[place] for place in chosen]


@cache
def encoder() -> TokenEncoder:
    return TokenEncoder.load("embedded", device="cpu")


@cache
def vectors(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Encode `count` pairs: (foreign (n, d), English (m, d)) token vectors of each."""
    pairs = demo_pairs(count)
    foreign = encoder().encode_queries([pair.foreign for pair in pairs])
    english = encoder().encode_queries([pair.english for pair in pairs])
    return list(zip(foreign, english, strict=True))


@dataclass(frozen=True)
class Costs:
    """Ragged pairs, padded: cost (B, n, m), and uniform masses a (B, n) and b (B, m)."""

    cost: Tensor
    a: Tensor
    b: Tensor

    @property
    def alone(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """(a, b, cost) of each pair in fp64, without padding."""
        pairs = []
        for cost, a, b in zip(self.cost, self.a, self.b, strict=True):
            n, m = int((a > 0).sum()), int((b > 0).sum())
            inner = cost[:n, :m].double().contiguous().numpy()
            pairs.append((np.full(n, 1 / n), np.full(m, 1 / m), inner))
        return pairs


def translation_costs(pairs: int, least: int, most: int, sentences: int) -> Costs:
    """Compute cosine costs of translated texts, both sides between `least` and `most` tokens long.

    A text joins some of the encoded `sentences`, the same ones on both sides, until it is long
    enough. Each side is then cut at its own length.
    """
    generator = np.random.default_rng(1)
    encoded = vectors(sentences)
    sides: tuple[list[Tensor], list[Tensor]] = ([], [])
    for _ in range(pairs):
        lengths = generator.integers(least, most + 1, 2)
        parts: list[tuple[np.ndarray, np.ndarray]] = []
        while not parts or any(
            sum(map(len, side)) < length
            for side, length in zip(zip(*parts, strict=True), lengths, strict=True)
        ):
            parts.append(encoded[generator.integers(len(encoded))])
        for side, texts, length in zip(sides, zip(*parts, strict=True), lengths, strict=True):
            side.append(torch.from_numpy(np.concatenate(texts)[:length]))
    source, target = (torch.nn.utils.rnn.pad_sequence(side, batch_first=True) for side in sides)
    a, b = (real_tokens(side.abs().sum(-1) > 0) for side in (source, target))
    return Costs(cosine_cost(source, target), a, b)
