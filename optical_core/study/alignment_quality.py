"""Transport plans as word aligners: error rates against gold links, by layer and method.

Both sides are encoded by the same encoder, as queries. On a dev part (a file of its own, or else
every fifth sentence) the mean token vector of each layer is taken (vectors are centred and of
unit length, but for the softmax, which takes them as they are), the share of mass that makes a
link is chosen, and a reader may choose the layer. Other figures are of the other sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from optical_core.analysis.alignment_error import Link, LinkCounts
from optical_core.analysis.word_aligners import (
    itermax,
    mutual_argmax,
    plan_links,
    softmax_intersection,
    word_links,
)
from optical_core.data.gold import GoldPair
from optical_core.data.published import MBERT_AER
from optical_core.models.token_encoder import TokenEncoder
from optical_core.transport import TransportPlan, real_tokens, solve

DEV_EVERY = 5
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Shares of the lighter word's mass to choose from."""
EPSILON = 0.1
"""Of the entropic solvers, as a share of the standard deviation of the costs."""
MATRIX_METHODS = {"argmax": mutual_argmax, "itermax": itermax}


@dataclass(frozen=True)
class Side:
    """One sentence: hidden states (layers + 1, n, d) of its text tokens, and their words."""

    states: np.ndarray
    words: tuple[int, ...]


def encode_side(encoder: TokenEncoder, text: str) -> Side:
    """Hidden states of every layer, the embeddings first, at the tokens that belong to a word."""
    tokens = encoder.describe(text, "query")
    prompt = encoder.model.prompts.get("query") or ""
    features = encoder.model.preprocess([text], prompt=prompt, task="query")
    transformer: Any = encoder.model[0]
    device = transformer.model.device
    inputs = {key: features[key].to(device) for key in ("input_ids", "attention_mask")}
    with torch.inference_mode():
        made = transformer.model(**inputs, output_hidden_states=True).hidden_states
    kept = [index for index, token in enumerate(tokens) if token.word >= 0]
    states = torch.stack([layer[0, kept] for layer in made]).float().cpu().numpy()
    return Side(states, tuple(tokens[index].word for index in kept))


def alignment_table(
    name: str,
    pairs: Sequence[GoldPair],
    encoder: TokenEncoder,
    *,
    dev: Sequence[GoldPair] = (),
    layers: Iterable[int] = (),
    solvers: Sequence[str] = ("exact", "sinkhorn"),
) -> pd.DataFrame:
    """AER, precision and recall on the test part, a row a layer and method.

    All `pairs` are the test part where there are `dev` pairs; else every fifth of them is the
    dev part and the others are the test part. `layers` are numbers from 0 (embeddings); all by
    default. Columns: gold, encoder, layer, method, share (of plans), AER_dev, AER, precision,
    recall, sentences (of the test part), published (mBERT's AER on all sentences, or NaN).

    Raises ValueError for a layer that the encoder lacks, or fewer pairs than the dev part needs.
    """
    if len(pairs) < 2:
        raise ValueError(f"{name}: at least two sentence pairs are needed, got {len(pairs)}")
    pairs = [*dev, *pairs]
    part = [index < len(dev) if dev else index % DEV_EVERY == 0 for index in range(len(pairs))]
    sides = [(encode_side(encoder, p.foreign), encode_side(encoder, p.english)) for p in pairs]
    depth = len(sides[0][0].states)
    chosen = list(layers) or list(range(depth))
    if any(not 0 <= layer < depth for layer in chosen):
        raise ValueError(f"layers go from 0 to {depth - 1}, got {chosen}")
    rows = []
    for layer in chosen:
        found = _links_of_layer(sides, part, layer, solvers)
        for method, by_share in found.items():
            counts = {
                share: [
                    LinkCounts.of(links, pair.sure, pair.possible)
                    for links, pair in zip(predicted, pairs, strict=True)
                ]
                for share, predicted in by_share.items()
            }
            best = min(counts, key=lambda share: _sum(counts[share], part).error_rate)
            test = _sum(counts[best], [not is_dev for is_dev in part])
            rows.append(
                {
                    "gold": name,
                    "encoder": encoder.name,
                    "layer": layer,
                    "method": method,
                    "share": best or None,
                    "AER_dev": 100 * _sum(counts[best], part).error_rate,
                    "AER": 100 * test.error_rate,
                    "precision": 100 * test.precision,
                    "recall": 100 * test.recall,
                    "sentences": len(pairs) - sum(part),
                    "published": MBERT_AER.get(name),
                }
            )
    return pd.DataFrame(rows)


def _links_of_layer(
    sides: Sequence[tuple[Side, Side]], dev: Sequence[bool], layer: int, solvers: Sequence[str]
) -> dict[str, dict[float, list[set[Link]]]]:
    """Method -> share (0 where it has none) -> links of each pair."""
    sample = [s.states[layer] for pair, part in zip(sides, dev, strict=True) if part for s in pair]
    mean = np.concatenate(sample).mean(0)
    found: dict[str, dict[float, list[set[Link]]]] = {
        **{method: {0.0: []} for method in (*MATRIX_METHODS, "softmax")},
        **{solver: {share: [] for share in SHARES} for solver in solvers},
    }
    for source, target in sides:
        a, b = source.states[layer], target.states[layer]
        cosine = _unit(a - mean) @ _unit(b - mean).T
        for method, align in MATRIX_METHODS.items():
            found[method][0.0].append(word_links(align(cosine), source.words, target.words))
        links = softmax_intersection(a @ b.T)
        found["softmax"][0.0].append(word_links(links, source.words, target.words))
        for solver in solvers:
            plan = _plan(1 - cosine, source.words, target.words, solver).words()
            for share in SHARES:
                links = plan_links(plan.plan, share=share)
                found[solver][share].append(word_links(links, plan.source_words, plan.target_words))
    return found


def _plan(
    cost: np.ndarray, source: tuple[int, ...], target: tuple[int, ...], solver: str
) -> TransportPlan:
    n, m = cost.shape
    names = tuple(map(str, range(n))), tuple(map(str, range(m)))
    if not cost.size:
        return TransportPlan(np.zeros((n, m)), cost, *names, source, target)
    costs = torch.from_numpy(cost)[None].float()
    a, b = (real_tokens(torch.ones(1, size)) for size in (n, m))
    spread = float(costs.std()) if n * m > 1 else 1.0
    solution = solve(costs, a, b, method=solver, epsilon=max(EPSILON * spread, 1e-6))
    return TransportPlan(solution.plan[0].double().numpy(), cost, *names, source, target)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)


def _sum(counts: Sequence[LinkCounts], part: Sequence[bool]) -> LinkCounts:
    return sum((c for c, chosen in zip(counts, part, strict=True) if chosen), LinkCounts())
