"""The order of sentence pairs: languages balanced or by temperature, batches of like length."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from optical_core.data.bitext import SentencePair

T = TypeVar("T")

WINDOW = 16
"""Batches that are drawn together and sorted by length, to save padding."""


def characters(pairs: Sequence[SentencePair]) -> list[int]:
    """Measure the foreign sides in characters, for callers without a tokenizer."""
    return [len(pair.foreign) for pair in pairs]


def plan_batches(
    pairs: Sequence[SentencePair],
    *,
    steps: int,
    batch_size: int,
    seed: int,
    temperature: float = 0.0,
    english_share: float = 0.0,
    lengths: Callable[[Sequence[SentencePair]], Sequence[int]] = characters,
) -> list[list[SentencePair]]:
    """Plan the batches of a whole training run; the same seed gives the same batches.

    Args:
        pairs: of all languages.
        steps: the number of batches.
        batch_size: pairs of a batch.
        seed: of the drawing.
        temperature: languages are drawn by (pairs of the language) ** temperature: 0 draws them
            evenly, 1 in the data's proportions.
        english_share: share of pairs whose foreign side is the English sentence itself. They keep
            the student's English close to the teacher's.
        lengths: measures many pairs at once; pairs of like length share a batch. It should count
            the student's tokens, whose forward and backward pass cost more than the teacher's
            forward pass.
    """
    generator = random.Random(seed)
    by_language: dict[str, list[SentencePair]] = {}
    for pair in pairs:
        by_language.setdefault(pair.language, []).append(pair)
    languages = sorted(by_language)
    weights = [len(by_language[code]) ** temperature for code in languages]
    streams = {code: endless(by_language[code], generator) for code in languages}
    batches: list[list[SentencePair]] = []
    while len(batches) < steps:
        drawn = []
        count = min(WINDOW, steps - len(batches)) * batch_size
        for code in generator.choices(languages, weights, k=count):
            pair = next(streams[code])
            if generator.random() < english_share:
                pair = SentencePair(pair.english, pair.english, "en", pair.source)
            drawn.append(pair)
        length = lengths(drawn)
        order = sorted(range(len(drawn)), key=length.__getitem__)
        sorted_pairs = [drawn[position] for position in order]
        window = [sorted_pairs[i : i + batch_size] for i in range(0, len(drawn), batch_size)]
        generator.shuffle(window)
        batches += window
    return batches


def first_pairs(pairs: Sequence[SentencePair], most: int, *, seed: int) -> tuple[SentencePair, ...]:
    """Draw at most so many pairs of each language; with the same seed, fewer are a part of more."""
    order = list(pairs)
    random.Random(seed).shuffle(order)
    taken: Counter[str] = Counter()
    kept = []
    for pair in order:
        if taken[pair.language] < most:
            taken[pair.language] += 1
            kept.append(pair)
    return tuple(kept)


def endless(items: Sequence[T], generator: random.Random) -> Iterator[T]:
    """Yield every item once, in random order, then again in another order."""
    order: list[T] = []
    while True:
        if not order:
            order = list(items)
            generator.shuffle(order)
        yield order.pop()
