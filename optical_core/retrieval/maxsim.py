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
    """Scores of queries against passages whose tokens lie one after another.

    queries (n, d) each and tokens (T, d) of unit vectors, owners (T,) the passage of each token,
    from 0 to passages - 1. Returns (queries, passages); a passage without tokens scores 0. One
    product for all queries, so that the tokens are read once.
    """
    stacked = torch.cat(list(queries))
    best = best_of_passages(tokens.to(stacked.dtype) @ stacked.T, owners, passages)
    return torch.stack([part.sum(1) for part in best.split([len(q) for q in queries], dim=1)])


def best_of_passages(similarity: Tensor, owners: Tensor, passages: int) -> Tensor:
    """Best (passages, n) of a passage's rows of similarity (T, n); 0 where it has none."""
    best = similarity.new_full((passages, similarity.shape[1]), -torch.inf)
    best.scatter_reduce_(0, owners[:, None].expand_as(similarity), similarity, "amax")
    return torch.where(torch.isfinite(best), best, 0)


def top_passages(scores: Tensor, ids: Sequence[str], top: int) -> Hits:
    """The `top` best of scores (P,) with their passages' ids, as `best_first` has them."""
    if not len(scores):
        return []
    least = torch.topk(scores, min(top, len(scores))).values[-1]
    # topk breaks ties as it likes: all that equal the last one compete for the last places.
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
    """Rank passages held in memory for every query, exactly."""
    lengths = [len(passage) for passage in passages]
    tokens = torch.from_numpy(np.concatenate(passages).astype(np.float32))
    owners = torch.repeat_interleave(torch.arange(len(passages)), torch.tensor(lengths))
    run: Run = {}
    for identifier, vectors in zip(query_ids, queries, strict=True):
        query = torch.from_numpy(np.asarray(vectors, dtype=np.float32))
        (scores,) = maxsim_scores([query], tokens, owners, len(passages))
        run[identifier] = dict(top_passages(scores, passage_ids, top))
    return run
