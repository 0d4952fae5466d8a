"""Exact MaxSim: the sum over query tokens of the best cosine with a passage's tokens.

Khattab and Zaharia 2020 (ColBERT), equation 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from optical_core.data.trec import DIGITS, Hits, Run, best_first


def maxsim_scores(
    queries: Sequence[Tensor], tokens: Tensor, owners: Tensor, passages: int
) -> Tensor:
    """MaxSim of queries with passages. One product for all queries reads the tokens once.

    Args:
        queries: q unit vector matrices (n, d).
        tokens: unit vectors (T, d) of all passages, one passage after another.
        owners: (T,) the passage of each token, from 0 to passages - 1.
        passages: their number P.

    Returns:
        (Q, P); a passage without tokens scores 0.

    Examples:
        >>> tokens = torch.eye(3)
        >>> maxsim_scores([tokens[:2]], tokens, torch.tensor([0, 0, 1]), 2)
        tensor([[2., 0.]])
    """
    stacked = torch.cat(list(queries))
    best = best_of_passages(tokens.to(stacked.dtype) @ stacked.T, owners, passages)
    return torch.stack([part.sum(1) for part in best.split([len(q) for q in queries], dim=1)])


def best_of_passages(similarity: Tensor, owners: Tensor, passages: int) -> Tensor:
    """Best similarity (P, n) of each passage's tokens, from similarity (T, n); 0 without tokens."""
    best = similarity.new_full((passages, similarity.shape[1]), -torch.inf)
    best.scatter_reduce_(0, owners[:, None].expand_as(similarity), similarity, "amax")
    return torch.where(torch.isfinite(best), best, 0)


def top_passages(scores: Tensor, ids: Sequence[str], top: int) -> Hits:
    """The `top` best of scores (P,) with their passages' ids, in the order of `best_first`."""
    if not len(scores):
        return []
    least = torch.topk(scores, min(top, len(scores))).values[-1]
    # topk breaks ties in any order: all scores equal to the last one compete for the last places.
    positions = torch.nonzero(scores >= least - 2 * 10**-DIGITS)[:, 0]
    nearest = zip(positions.tolist(), scores[positions].tolist(), strict=True)
    return best_first(((ids[position], score) for position, score in nearest), top)


def rank_in_memory(
    query_ids: Sequence[str],
    queries: Sequence[np.ndarray],
    passage_ids: Sequence[str],
    passages: Sequence[np.ndarray],
    *,
    top: int,
) -> Run:
    """Rank passages in memory for every query, by exact MaxSim.

    Args:
        query_ids: q ids.
        queries: their vectors, (n, d) each.
        passage_ids: p ids.
        passages: their vectors, (m, d) each.
        top: most hits of a query.
    """
    lengths = [len(passage) for passage in passages]
    tokens = torch.from_numpy(np.concatenate(passages).astype(np.float32))
    owners = torch.repeat_interleave(torch.arange(len(passages)), torch.tensor(lengths))
    run: Run = {}
    for identifier, vectors in zip(query_ids, queries, strict=True):
        query = torch.from_numpy(np.asarray(vectors, dtype=np.float32))
        (scores,) = maxsim_scores([query], tokens, owners, len(passages))
        run[identifier] = dict(top_passages(scores, passage_ids, top))
    return run
