"""The batches of a training on relevance: the order of the queries, and their passages."""

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
"""A batch of different documents is given up after drawing this many times its size."""
DOUBTFUL = 5
"""A row has one of this many passages that may be relevant, the first ones of the search."""


class Row(NamedTuple):
    """An example's number, and the one relevant passage of it that is used."""

    example: int
    positive: str


def plan_rows(
    relevance: Relevance, *, batches: int, batch_size: int, seed: int, sampling: float = 1.0
) -> list[list[Row]]:
    """Plan the batches of a whole training; the same seed gives the same batches.

    Each batch has one source: passages of different sources are too easy to distinguish. Its
    relevant passages come from different documents, as far as the source has them, because each is
    a negative of the batch's other queries.

    Args:
        relevance: the examples.
        batches: how many.
        batch_size: examples of a batch.
        seed: of the drawing.
        sampling: sources are drawn by (queries) ** sampling: 0 evenly, 1 in the data's proportions.
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
    """Fill a batch with rows of different documents, waiting ones first; also returns the rest."""
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
    doubtful: dict[int, tuple[str, ...]] | None = None,
    *,
    negatives: int,
    seed: int,
) -> tuple[Dataset, int]:
    """Make the columns query, positive, negative_1 … of all rows, and `doubtful` if it is wanted.

    If an example has too few judged and mined negatives, random passages of its source are added.

    Args:
        relevance: the examples.
        batches: their rows.
        mined: example's number -> keys of its mined negatives.
        doubtful: example's number -> keys of passages that may be relevant; one of the first
            `DOUBTFUL` is drawn.
        negatives: of each row.
        seed: of the drawing.

    Returns:
        The rows, and how many negatives were drawn at random.
    """
    generator = random.Random(f"negatives {seed}")
    corpora: dict[str, list[str]] = {}
    for key in relevance.passages:
        corpora.setdefault(key.partition("/")[0], []).append(key)
    columns: dict[str, list[str]] = {"query": [], "positive": []}
    columns |= {f"negative_{number}": [] for number in range(1, negatives + 1)}
    if doubtful is not None:
        columns["doubtful"] = []
    random_ones = 0
    for row in (row for batch in batches for row in batch):
        example = relevance.examples[row.example]
        pool = list(dict.fromkeys([*example.negatives, *mined.get(row.example, ())]))
        chosen = generator.sample(pool, min(negatives, len(pool)))
        while len(chosen) < negatives:
            chosen.append(_other(corpora[example.source], example.keys, generator))
            random_ones += 1
        if doubtful is not None:
            near = [k for k in doubtful.get(row.example, ()) if k not in chosen][:DOUBTFUL]
            near = near or [_other(corpora[example.source], (row.positive, *chosen), generator)]
            chosen.append(generator.choice(near))
        keys = (row.positive, *chosen)
        columns["query"].append(example.query)
        for name, key in zip(list(columns)[1:], keys, strict=True):
            columns[name].append(relevance.passages[key].full_text)
    return Dataset.from_dict(columns), random_ones


def scored_rows(
    relevance: Relevance, batches: Sequence[Sequence[Row]], *, negatives: int, seed: int
) -> Dataset:
    """Make the columns query, passage_1 … and label, which has a teacher's scores of the passages.

    Every example must have at least `negatives` passages besides its relevant one.
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
    """Draw a passage that isn't taken; any passage if that fails."""
    for _ in range(20):
        key = generator.choice(corpus)
        if key not in taken:
            return key
    return key


def counts(batches: Sequence[Sequence[Row]], relevance: Relevance) -> dict[str, int]:
    """Count the rows of each source."""
    rows = (row for batch in batches for row in batch)
    return dict(Counter(relevance.examples[row.example].source for row in rows))
