"""Transport plans as word aligners: error rates against gold links, by layer and method.

Both sides are encoded by the same encoder, as queries. On a dev part (a file of its own, or else
every fifth sentence) the mean token vector of each layer is taken (vectors are centred and of
unit length, but for the softmax, which takes them as they are), the share of mass that makes a
link is chosen, and a reader may choose the layer. Other figures are of the other sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from optical_core.analysis.alignment_error import Link, LinkCounts
from optical_core.analysis.word_aligners import (
    itermax,
    mutual_argmax,
    softmax_intersection,
    word_links,
)
from optical_core.data.gold import GoldPair
from optical_core.data.published import MBERT_AER
from optical_core.models.token_encoder import TokenEncoder
from optical_core.study.word_vectors import (
    PLANS,
    Side,
    centred,
    encode_sides,
    linked_words,
    plan_between,
)

DEV_EVERY = 5
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Shares of the lighter word's mass to choose from."""
MATRIX_METHODS = {"argmax": mutual_argmax, "itermax": itermax}


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
    chosen = list(layers) or list(range(encoder.layers + 1))
    foreign = encode_sides(encoder, [pair.foreign for pair in pairs], chosen)
    english = encode_sides(encoder, [pair.english for pair in pairs], chosen)
    sides = list(zip(foreign, english, strict=True))
    rows = []
    for position, layer in enumerate(chosen):
        found = _links_of_layer(sides, part, position, solvers)
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
    sides: Sequence[tuple[Side, Side]], dev: Sequence[bool], position: int, solvers: Sequence[str]
) -> dict[str, dict[float, list[set[Link]]]]:
    """Method -> share (0 where it has none) -> links of each pair."""
    sample = [
        s.states[position] for pair, part in zip(sides, dev, strict=True) if part for s in pair
    ]
    mean = np.concatenate(sample).mean(0)
    found: dict[str, dict[float, list[set[Link]]]] = {
        **{method: {0.0: []} for method in (*MATRIX_METHODS, "softmax")},
        **{solver: {share: [] for share in SHARES} for solver in solvers},
    }
    for source, target in sides:
        a, b = source.states[position], target.states[position]
        cosine = centred(a, mean) @ centred(b, mean).T
        for method, align in MATRIX_METHODS.items():
            found[method][0.0].append(word_links(align(cosine), source.words, target.words))
        links = softmax_intersection(a @ b.T)
        found["softmax"][0.0].append(word_links(links, source.words, target.words))
        for solver in solvers:
            settings = replace(PLANS, method=solver)
            words = plan_between(1 - cosine, source.words, target.words, settings).words()
            for share in SHARES:
                found[solver][share].append(linked_words(words, share=share))
    return found


def _sum(counts: Sequence[LinkCounts], part: Sequence[bool]) -> LinkCounts:
    return sum((c for c, chosen in zip(counts, part, strict=True) if chosen), LinkCounts())
