"""Which pair is seen when: languages balanced or by temperature, batches of like length."""

from __future__ import annotations

import random
from collections.abc import Sequence

from optical_core.data.bitext import SentencePair

WINDOW = 8
"""Batches that are drawn together and sorted by length, so that little is padded."""


def plan_batches(
    pairs: Sequence[SentencePair],
    *,
    steps: int,
    batch_size: int,
    seed: int,
    temperature: float = 0.0,
    english_share: float = 0.0,
) -> list[list[SentencePair]]:
    """The batches of a whole training run, the same for the same seed.

    Args:
        temperature: languages are drawn by (pairs of the language) ** temperature: 0 draws them
            evenly, 1 as the data has them.
        english_share: share of pairs whose foreign side is the English sentence itself, which
            keeps the student's English where the teacher's is.
    """
    generator = random.Random(seed)
    by_language: dict[str, list[SentencePair]] = {}
    for pair in pairs:
        by_language.setdefault(pair.language, []).append(pair)
    languages = sorted(by_language)
    weights = [len(by_language[code]) ** temperature for code in languages]
    streams = {code: _endless(by_language[code], generator) for code in languages}
    batches: list[list[SentencePair]] = []
    while len(batches) < steps:
        drawn = []
        for code in generator.choices(languages, weights, k=WINDOW * batch_size):
            pair = next(streams[code])
            if generator.random() < english_share:
                pair = SentencePair(pair.english, pair.english, "en", pair.source)
            drawn.append(pair)
        drawn.sort(key=lambda pair: len(pair.foreign) + len(pair.english))
        window = [drawn[i : i + batch_size] for i in range(0, len(drawn), batch_size)]
        generator.shuffle(window)
        batches += window
    return batches[:steps]


def _endless(pairs: list[SentencePair], generator: random.Random):
    """Every pair once, in random order, then again in another order."""
    order: list[SentencePair] = []
    while True:
        if not order:
            order = list(pairs)
            generator.shuffle(order)
        yield order.pop()
