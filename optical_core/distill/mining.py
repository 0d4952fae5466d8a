"""Hard negatives: passages that a search ranks high for a query but that aren't relevant to it.

Judgements are few, so many of the hits are relevant without being judged so. Four filters leave
such passages out, and each drop is counted.
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
from optical_core.data.words import words
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.bm25 import BM25
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.modes import open_mode

Search = Callable[[Sequence[str]], list[Hits]]
"""A function from queries to their hits, passages with scores, best first."""

RUN = 5
"""Words of a run, by which passages are compared."""
DUPLICATE = 0.5
"""Two passages count as duplicates if they share this part of the shorter one's runs."""


@dataclass(frozen=True)
class Mined:
    """Mined negatives.

    Attributes:
        negatives: for each example the keys of its negatives, hardest first.
        doubtful: for each example the keys of passages that were left out, in the same order.
        dropped: reason -> how many passages were left out.
    """

    negatives: list[tuple[str, ...]]
    doubtful: list[tuple[str, ...]]
    dropped: dict[str, int] = field(default_factory=dict)


def mine(
    examples: Sequence[Example],
    passages: Mapping[str, Passage],
    search: Search,
    *,
    share: float,
) -> Mined:
    """Mine negatives for examples with a search.

    Relevant passages are left out. So are, and these are counted, passages of a relevant passage's
    document (by title, or by the id before `#`), near duplicates of a relevant passage, and
    passages with more than `share` of the best relevant passage's score. If the search misses all
    relevant passages of a query, the query gets no negatives: there is no score to compare with.

    Args:
        examples: queries with their relevant passages.
        passages: by key.
        search: ranks the passages.
        share: of the best relevant passage's score.
    """
    dropped: Counter[str] = Counter()
    negatives: list[tuple[str, ...]] = []
    doubtful: list[tuple[str, ...]] = []
    for example, ranking in zip(
        examples, search([example.query for example in examples]), strict=True
    ):
        scores = dict(ranking)
        relevant_scores = [scores[key] for key in example.positives if key in scores]
        if not relevant_scores:
            dropped["relevant passage not found"] += 1
            negatives.append(())
            doubtful.append(())
            continue
        relevant = [passages[key] for key in example.positives]
        documents = {document(passage) for passage in relevant}
        runs = [word_runs(passage) for passage in relevant]
        kept, left_out = [], []
        for key, score in ranking:
            if key in example.positives:
                continue
            reason = ""
            if document(passages[key]) in documents:
                reason = "same document"
            elif score > share * max(relevant_scores):
                reason = "score too high"
            elif any(overlap(word_runs(passages[key]), known) >= DUPLICATE for known in runs):
                reason = "near duplicate"
            if reason:
                dropped[reason] += 1
                left_out.append(key)
            else:
                kept.append(key)
        negatives.append(tuple(kept))
        doubtful.append(tuple(left_out))
    return Mined(negatives, doubtful, dict(dropped))


def document(passage: Passage) -> str:
    """Identify a passage's document: by the title, or the id up to `#` as in MIRACL."""
    return normalise(passage.title) or passage.id.rpartition("#")[0] or passage.id


def word_runs(passage: Passage) -> frozenset[str]:
    """Cut a passage into its runs of five words; a shorter one is one run."""
    cut = words(normalise(passage.text))
    starts = range(max(1, len(cut) - RUN + 1))
    return frozenset(" ".join(cut[start : start + RUN]) for start in starts)


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Compute the share of the smaller set that is also in the other."""
    return len(one & other) / max(1, min(len(one), len(other)))


def by_bm25(passages: Sequence[Passage], *, depth: int) -> Search:
    """Make a search of passages by BM25."""
    bm25 = BM25(passages)
    return lambda queries: bm25.rank(bm25.encode(queries), top=depth)


def by_encoder(
    passages: Sequence[Passage], encoder: TokenEncoder, folder: Path, *, depth: int
) -> Search:
    """Make a search of passages by an encoder; its index is written to `folder`."""
    store = open_mode(build_index(folder, passages, encoder), "candidates")

    def search(queries: Sequence[str]) -> list[Hits]:
        return store.search_many(encoder.encode_queries(list(queries)), top=depth)

    return search
