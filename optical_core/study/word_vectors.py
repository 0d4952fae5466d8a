"""Token vectors of an encoder's layers with the words they belong to, and plans between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from optical_core.analysis.alignment_error import Link
from optical_core.analysis.word_aligners import plan_links, word_links
from optical_core.models.token_encoder import TokenEncoder
from optical_core.transport import TransportPlan, TransportSettings, real_tokens, solve

PLANS = TransportSettings("exact", epsilon_share=0.1)
"""Settings of the plans between words; studies may choose another solver."""


@dataclass(frozen=True)
class Side:
    """One encoded sentence.

    Attributes:
        states: (layers, n, d), hidden states of its text tokens.
        words: (n,), the word of each token; white space separates words.
    """

    states: np.ndarray
    words: tuple[int, ...]


def encode_sides(
    encoder: TokenEncoder, texts: Sequence[str], layers: Sequence[int], *, batch_size: int = 32
) -> list[Side]:
    """Encode texts as queries, and keep some layers' states of the tokens that belong to words.

    Raises:
        ValueError: the encoder has no such layer.
    """
    if any(not 0 <= layer <= encoder.layers for layer in layers):
        raise ValueError(f"layers go from 0 to {encoder.layers}, got {list(layers)}")
    transformer: Any = encoder.model[0]
    prompt = encoder.model.prompts.get("query") or ""
    # Texts of like length share a batch, to save padding.
    order = sorted(range(len(texts)), key=lambda position: len(texts[position]))
    sides: dict[int, Side] = {}
    for begin in range(0, len(texts), batch_size):
        positions = order[begin : begin + batch_size]
        part = [texts[position] for position in positions]
        features = encoder.model.preprocess(part, prompt=prompt, task="query")
        inputs = {
            key: features[key].to(transformer.model.device)
            for key in ("input_ids", "attention_mask")
        }
        with torch.inference_mode():
            made = transformer.model(**inputs, output_hidden_states=True).hidden_states
        states = torch.stack([made[layer] for layer in layers]).float().cpu().numpy()
        for row, (position, text) in enumerate(zip(positions, part, strict=True)):
            tokens = encoder.describe(text, "query", spaces=True)
            kept = [index for index, token in enumerate(tokens) if token.word >= 0]
            words = tuple(tokens[index].word for index in kept)
            sides[position] = Side(states[:, row, kept], words)
    return [sides[position] for position in range(len(texts))]


def centred(vectors: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Subtract the mean (d,) from vectors (n, d), and scale them to unit length."""
    moved = vectors - mean
    return moved / np.linalg.norm(moved, axis=1, keepdims=True).clip(1e-12)


def linked_words(words: TransportPlan, *, share: float = 0.5) -> set[Link]:
    """List the links of a plan between words (`TransportPlan.words`), by the words' numbers."""
    return word_links(plan_links(words.plan, share=share), words.source_words, words.target_words)


def plan_between(
    cost: np.ndarray,
    source_words: tuple[int, ...],
    target_words: tuple[int, ...],
    settings: TransportSettings = PLANS,
) -> TransportPlan:
    """Solve a cost (n, m) with uniform marginals; the plan is empty if a side has no token."""
    n, m = cost.shape
    names = tuple(map(str, range(n))), tuple(map(str, range(m)))
    if not cost.size:
        return TransportPlan(np.zeros((n, m)), cost, *names, source_words, target_words)
    costs = torch.from_numpy(cost)[None].float()
    a, b = (real_tokens(torch.ones(1, size)) for size in (n, m))
    spread = float(costs.std()) if n * m > 1 else 1.0
    solution = solve(costs, a, b, settings.for_spread(spread))
    plan = solution.plan[0].double().numpy()
    return TransportPlan(plan, cost, *names, source_words, target_words)
