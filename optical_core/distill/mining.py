"""Hard negatives: passages that a search finds for a query and that aren't relevant to it.

Judgements are few, so much of what is found is relevant without anyone having said so. Four
filters leave such passages out, and each drop is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from optical_core.data.bitext import normalise
from optical_core.data.collection import Passage
from optical_core.data.examples import Example
from optical_core.data.trec import Hits
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.bm25 import BM25
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.modes import open_mode

Search = Callable[[Sequence[str]], list[Hits]]
"""Queries to passages with their scores, best first."""

RUN = 5
"""Words of a run that two passages may share."""
DUPLICATE = 0.5
"""Share of the shorter passage's runs from which on two passages count as one."""


@dataclass(frozen=True)
class Mined:
    """Keys of negatives of each example, hardest first, and what was left out and why."""

    negatives: list[tuple[str, ...]]
    dropped: dict[str, int] = field(default_factory=dict)


def mine(
    examples: Sequence[Example],
    passages: Mapping[str, Passage],
    search: Search,
    *,
    share: float,
) -> Mined:
    """Negatives of examples from a search.

    Left out, and counted: what is relevant (known); passages of the same document, by title or the
    id before `#`; near duplicates of a relevant passage; what has more than `share` of the best
    relevant passage's score. A query whose relevant passages aren't found gets none: nothing says
    what score would be too high.
    """
    dropped: Counter[str] = Counter()
    negatives: list[tuple[str, ...]] = []
    for example, ranking in zip(
        examples, search([example.query for example in examples]), strict=True
    ):
        scores = dict(ranking)
        relevant_scores = [scores[key] for key in example.positives if key in scores]
        if not relevant_scores:
            dropped["relevant passage not found"] += 1
            negatives.append(())
            continue
        relevant = [passages[key] for key in example.positives]
        documents = {document(passage) for passage in relevant}
        runs = [word_runs(passage) for passage in relevant]
        kept = []
        for key, score in ranking:
            if key in example.positives:
                continue
            if document(passages[key]) in documents:
                dropped["same document"] += 1
            elif score > share * max(relevant_scores):
                dropped["score too high"] += 1
            elif any(overlap(word_runs(passages[key]), own) >= DUPLICATE for own in runs):
                dropped["near duplicate"] += 1
            else:
                kept.append(key)
        negatives.append(tuple(kept))
    return Mined(negatives, dict(dropped))


def document(passage: Passage) -> str:
    """What tells passages of one document: the title, or the id up to `#`, as MIRACL has it."""
    return normalise(passage.title) or passage.id.rpartition("#")[0] or passage.id


def word_runs(passage: Passage) -> frozenset[str]:
    """Runs of five words of a passage; the whole of a shorter one."""
    words = normalise(passage.text).split()
    starts = range(max(1, len(words) - RUN + 1))
    return frozenset(" ".join(words[start : start + RUN]) for start in starts)


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the smaller set that the other has."""
    return len(one & other) / max(1, min(len(one), len(other)))


def by_bm25(passages: Sequence[Passage], *, depth: int) -> Search:
    """Search passages by BM25."""
    bm25 = BM25(passages)
    return lambda queries: bm25.rank(bm25.encode(queries), top=depth)


def by_encoder(
    passages: Sequence[Passage], encoder: TokenEncoder, folder: Path, *, depth: int
) -> Search:
    """Search passages by an encoder; its index is written to `folder`."""
    store = open_mode(build_index(folder, passages, encoder), "candidates")

    def search(queries: Sequence[str]) -> list[Hits]:
        return store.search_many(encoder.encode_queries(list(queries)), top=depth)

    return search
