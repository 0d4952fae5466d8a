"""Transport plans as word aligners: error rates against gold links, by layer and method.

The same encoder encodes both sides, as queries. A dev part (a separate file, else every fifth
sentence) gives the mean token vector of each layer and the share of mass that makes a link; readers
may also choose the layer by it. All other figures are of the other sentences. Vectors are centred
and have unit length, except for the softmax, which takes them unchanged.
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
    """Measure AER, precision and recall on the test part, a row a layer and method.

    Args:
        name: of the gold alignments.
        pairs: the test part if there are `dev` pairs; else every fifth of them is the dev part.
        encoder: of both sides.
        dev: the dev part.
        layers: numbers from 0 (embeddings); all by default.
        solvers: of the plans.

    Returns:
        The columns gold, encoder, layer, method, share (of plans), AER_dev, AER, precision, recall
        (all four in per cent), sentences (of the test part), and published (mBERT's AER on all
        sentences, or NaN).

    Raises:
        ValueError: the encoder has no such layer, or there are too few pairs for a dev part.

    Examples:
        >>> from optical_core.models import TokenEncoder
        >>> encoder = TokenEncoder.load("embedded")  # doctest: +SKIP
        >>> alignment_table("deen", pairs, encoder, layers=[8])  # doctest: +SKIP
    """
    if len(pairs) < 2:
        raise ValueError(f"{name}: at least two sentence pairs are needed, got {len(pairs)}")
    pairs = [*dev, *pairs]
    part = [index < len(dev) if dev else index % DEV_EVERY == 0 for index in range(len(pairs))]
    chosen = list(dict.fromkeys(layers)) or list(range(encoder.layers + 1))
    foreign = encode_sides(encoder, [pair.foreign for pair in pairs], chosen)
    english = encode_sides(encoder, [pair.english for pair in pairs], chosen)
    sides = list(zip(foreign, english, strict=True))
    rows = []
    for position, layer in enumerate(chosen):
        links_by_method = _links_of_layer(sides, part, position, solvers)
        for method, by_share in links_by_method.items():
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
    """Align the pairs: method -> share (0 if it has none) -> links of each pair."""
    sample = [
        s.states[position] for pair, part in zip(sides, dev, strict=True) if part for s in pair
    ]
    mean = np.concatenate(sample).mean(0)
    predicted: dict[str, dict[float, list[set[Link]]]] = {
        **{method: {0.0: []} for method in (*MATRIX_METHODS, "softmax")},
        **{solver: {share: [] for share in SHARES} for solver in solvers},
    }
    for source, target in sides:
        a, b = source.states[position], target.states[position]
        cosine = centred(a, mean) @ centred(b, mean).T
        for method, align in MATRIX_METHODS.items():
            predicted[method][0.0].append(word_links(align(cosine), source.words, target.words))
        links = softmax_intersection(a @ b.T)
        predicted["softmax"][0.0].append(word_links(links, source.words, target.words))
        for solver in solvers:
            settings = replace(PLANS, method=solver)
            words = plan_between(1 - cosine, source.words, target.words, settings).words()
            for share in SHARES:
                predicted[solver][share].append(linked_words(words, share=share))
    return predicted


def _sum(counts: Sequence[LinkCounts], part: Sequence[bool]) -> LinkCounts:
    return sum((c for c, chosen in zip(counts, part, strict=True) if chosen), LinkCounts())
