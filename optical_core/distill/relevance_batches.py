"""Which query is seen when, with which passages: the batches of a training on relevance."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from datasets import Dataset

from optical_core.data.relevance import Relevance
from optical_core.distill.mining import document
from optical_core.distill.sampling import endless

TRIES = 4
"""Times a batch's size that are drawn before it takes passages of one document after all."""


class Row(NamedTuple):
    """An example by its number, and the one of its relevant passages that is shown."""

    example: int
    positive: str


def plan_rows(
    relevance: Relevance, *, batches: int, batch_size: int, seed: int, sampling: float = 1.0
) -> list[list[Row]]:
    """The batches of a whole training, the same for the same seed.

    Each is of one source: passages of others would be too easily told apart. Relevant passages of
    a batch are of different documents, as far as the source has them: each is a negative of the
    batch's other queries.

    Args:
        sampling: sources are drawn by (queries) ** sampling, 0 evenly, 1 as the data has them.
    """
    generator = random.Random(seed)
    by_source: dict[str, list[int]] = {}
    for number, example in enumerate(relevance.examples):
        by_source.setdefault(example.source, []).append(number)
    sources = sorted(by_source)
    weights = [len(by_source[source]) ** sampling for source in sources]
    streams = {source: endless(by_source[source], generator) for source in sources}
    waiting: dict[str, list[Row]] = {source: [] for source in sources}
    planned = []
    for source in generator.choices(sources, weights, k=batches):
        drawn = _rows(streams[source], relevance, generator)
        batch, waiting[source] = _fill(batch_size, waiting[source], drawn, relevance)
        planned.append(batch)
    return planned


def _rows(numbers: Iterator[int], relevance: Relevance, generator: random.Random) -> Iterator[Row]:
    for number in numbers:
        yield Row(number, generator.choice(relevance.examples[number].positives))


def _fill(
    size: int, waiting: list[Row], drawn: Iterator[Row], relevance: Relevance
) -> tuple[list[Row], list[Row]]:
    """A batch of rows of different documents, first those that wait; and what still waits."""
    batch: list[Row] = []
    later: list[Row] = []
    documents: set[str] = set()
    queue = list(waiting)
    for _ in range(TRIES * size + len(waiting)):
        if len(batch) == size:
            break
        row = queue.pop(0) if queue else next(drawn)
        named = document(relevance.passages[row.positive])
        if named in documents:
            later.append(row)
        else:
            documents.add(named)
            batch.append(row)
    while len(batch) < size:
        batch.append(later.pop(0) if later else next(drawn))
    return batch, later + queue


def contrastive_rows(
    relevance: Relevance,
    batches: Sequence[Sequence[Row]],
    mined: dict[int, tuple[str, ...]],
    *,
    negatives: int,
    seed: int,
) -> tuple[Dataset, int]:
    """Columns query, positive, negative_1 … of all rows, and how many were drawn at random.

    mined: example's number -> keys of its negatives. Where these and those that were judged are too
    few, random passages of the source take the place.
    """
    generator = random.Random(f"negatives {seed}")
    corpora: dict[str, list[str]] = {}
    for key in relevance.passages:
        corpora.setdefault(key.partition("/")[0], []).append(key)
    columns: dict[str, list[str]] = {"query": [], "positive": []}
    columns |= {f"negative_{number}": [] for number in range(1, negatives + 1)}
    random_ones = 0
    for row in (row for batch in batches for row in batch):
        example = relevance.examples[row.example]
        pool = list(dict.fromkeys([*example.negatives, *mined.get(row.example, ())]))
        chosen = generator.sample(pool, min(negatives, len(pool)))
        while len(chosen) < negatives:
            chosen.append(_other(corpora[example.source], example.keys, generator))
            random_ones += 1
        keys = (row.positive, *chosen)
        columns["query"].append(example.query)
        for name, key in zip(list(columns)[1:], keys, strict=True):
            columns[name].append(relevance.passages[key].full_text)
    return Dataset.from_dict(columns), random_ones


def scored_rows(
    relevance: Relevance, batches: Sequence[Sequence[Row]], *, negatives: int, seed: int
) -> Dataset:
    """Columns query, passage_1 … and label, a teacher's scores of the passages.

    Every example has at least `negatives` passages beside its relevant one.
    """
    generator = random.Random(f"scored {seed}")
    columns: dict[str, list] = {"query": []}
    columns |= {f"passage_{number}": [] for number in range(1, negatives + 2)}
    labels = []
    for row in (row for batch in batches for row in batch):
        example = relevance.examples[row.example]
        scores = dict(zip(example.keys, example.scores, strict=True))
        keys = [row.positive, *generator.sample(example.negatives, negatives)]
        columns["query"].append(example.query)
        for name, key in zip(list(columns)[1:], keys, strict=True):
            columns[name].append(relevance.passages[key].full_text)
        labels.append([scores[key] for key in keys])
    return Dataset.from_dict({**columns, "label": labels})


def _other(corpus: Sequence[str], taken: Sequence[str], generator: random.Random) -> str:
    """A random passage that isn't taken; any where all are."""
    for _ in range(20):
        key = generator.choice(corpus)
        if key not in taken:
            return key
    return key


def counts(batches: Sequence[Sequence[Row]], relevance: Relevance) -> dict[str, int]:
    """Rows of each source."""
    rows = (row for batch in batches for row in batch)
    return dict(Counter(relevance.examples[row.example].source for row in rows))
