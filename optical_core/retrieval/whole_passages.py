"""Rank whole passages by the scores of their windows, see `windows`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from optical_core.data.trec import Hits, best_first
from optical_core.retrieval.maxsim import top_passages
from optical_core.retrieval.snapshot import Snapshot
from optical_core.retrieval.token_index import GROUP_QUERIES


def rank_whole(
    opened: Snapshot,
    queries: Sequence[np.ndarray],
    top: int,
    chosen: Sequence[np.ndarray | None],
) -> list[Hits]:
    """Rank the passages of an index of windows by its aggregate; exact in every one.

    Args:
        opened: the index.
        queries: their vectors, (n, d) each.
        top: most hits of a query.
        chosen: positions of the windows that may be found in each segment; None for all.
    """
    aggregate = opened.manifest.windows.aggregate
    if aggregate == "max":
        return _by_best(opened, queries, top, chosen)
    if aggregate == "first":
        firsts = [_firsts(f, p) for f, p in zip(opened.firsts, chosen, strict=True)]
        return opened.ranked(queries, top, firsts)
    return _by_sum(opened, queries, top, chosen)


def _by_best(
    opened: Snapshot,
    queries: Sequence[np.ndarray],
    top: int,
    chosen: Sequence[np.ndarray | None],
) -> list[Hits]:
    """MaxP: among the best windows, more and more of them, each passage's best one counts."""
    results: list[Hits] = [[] for _ in queries]
    rows = sum(map(len, opened.indexes))
    left = [number for number, query in enumerate(queries) if len(query)]
    asked = 2 * top
    while left:
        found = opened.ranked([queries[number] for number in left], asked, chosen)
        again = []
        for number, hits in zip(left, found, strict=True):
            results[number] = hits[:top]
            # A passage that isn't among the hits has at most the score of the last one.
            complete = len(hits) > top and hits[top - 1][1] > hits[-1][1]
            if asked < rows and not complete:
                again.append(number)
        left, asked = again, 2 * asked
    return results


def _by_sum(
    opened: Snapshot,
    queries: Sequence[np.ndarray],
    top: int,
    chosen: Sequence[np.ndarray | None],
) -> list[Hits]:
    """SumP: every window counts, so all are scored, whatever the mode."""
    wanted = [number for number, query in enumerate(queries) if len(query)]
    results: list[Hits] = [[] for _ in queries]
    for begin in range(0, len(wanted), GROUP_QUERIES):
        group = wanted[begin : begin + GROUP_QUERIES]
        parts: list[Hits] = [[] for _ in group]
        for index, first, positions in zip(opened.indexes, opened.firsts, chosen, strict=True):
            rows = np.arange(len(index)) if positions is None else positions
            if not len(rows):
                continue
            scores = index.scores([queries[number] for number in group], positions).numpy()
            firsts = _firsts(first, rows)
            sums = np.add.reduceat(scores, np.searchsorted(rows, firsts), axis=1)
            ids = [index.ids[position] for position in firsts]
            for hits, row in zip(parts, sums, strict=True):
                hits += top_passages(torch.from_numpy(row), ids, top)
        for number, hits in zip(group, parts, strict=True):
            results[number] = best_first(hits, top)
    return results


def _firsts(first: np.ndarray, positions: np.ndarray | None) -> np.ndarray:
    """Positions of the first windows of passages, among ascending positions."""
    return np.flatnonzero(first) if positions is None else positions[first[positions]]
