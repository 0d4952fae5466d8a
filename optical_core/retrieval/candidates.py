"""Candidates from FAISS, then exact MaxSim: for indexes too large to score whole.

Each query token looks up its nearest passage tokens in an inverted-file index over 8-bit
vectors; the passages they belong to are ranked by the similarities found, and the best of them
are scored exactly. What is lost against exact search is measured by `recall`, not assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from optical_core.errors import InputError
from optical_core.retrieval.maxsim import maxsim_scores, top_passages
from optical_core.retrieval.token_index import TokenIndex
from optical_core.storage import replace_file

FILE = "tokens.faiss"
CANDIDATES = 1024
"""Passages scored exactly for each query."""
NEIGHBOURS = 512
"""Passage tokens looked up for each query token."""
PROBED = 0.1
"""Share of the inverted lists that is searched (at least eight)."""
_TRAINING_TOKENS = 100_000
_ADDED_TOKENS = 262_144
"""Given to FAISS at a time: bounds memory (fp32, 384 dimensions: 400 MB)."""


def build_candidates(index: TokenIndex, *, seed: int = 0) -> Path:
    """Write the FAISS index of an index's tokens beside its vectors, whole or not at all."""
    import faiss

    total, width = index.vectors.shape
    if not total:
        raise InputError(f"the index in {index.folder} has no tokens to look up")
    # FAISS asks for at least 39 training vectors a list.
    lists = int(min(4 * np.sqrt(total), total / 39))
    kind = f"IVF{lists},SQ8" if lists >= 8 else "SQ8"
    engine = faiss.index_factory(width, kind, faiss.METRIC_INNER_PRODUCT)
    generator = np.random.default_rng(seed)
    sample = generator.choice(total, min(total, _TRAINING_TOKENS), replace=False)
    engine.train(np.asarray(index.vectors[np.sort(sample)], np.float32))
    for begin in range(0, total, _ADDED_TOKENS):
        engine.add(np.asarray(index.vectors[begin : begin + _ADDED_TOKENS], np.float32))
    path = index.folder / FILE
    with replace_file(path) as temporary:
        try:
            faiss.write_index(engine, str(temporary))
        except RuntimeError as error:  # what FAISS makes of a full disk
            raise OSError("FAISS can't write it: is the disk full?") from error
    return path


def search_candidates(
    index: TokenIndex,
    query: np.ndarray,
    *,
    top: int = 10,
    candidates: int = CANDIDATES,
    neighbours: int = NEIGHBOURS,
) -> list[tuple[str, float]]:
    """The best passages among the candidates, with their exact MaxSim scores, best first.

    query: (n, d) unit token vectors. Raises InputError if `build_candidates` hasn't been run
    since the index was made.
    """
    if not len(query):
        return []
    engine = _engine(index)
    vectors = np.ascontiguousarray(query, np.float32)
    similarity, tokens = engine.search(vectors, min(neighbours, engine.ntotal))
    positions = _best_owners(index, similarity, tokens, candidates)
    pieces = [index.vectors[index.offsets[p] : index.offsets[p + 1]] for p in positions]
    lengths = torch.tensor([len(piece) for piece in pieces])
    (scores,) = maxsim_scores(
        [torch.from_numpy(vectors)],
        torch.from_numpy(np.concatenate(pieces).astype(np.float32)),
        torch.repeat_interleave(torch.arange(len(pieces)), lengths),
        len(pieces),
    )
    values, order = top_passages(scores, top)
    return [
        (index.ids[positions[row]], value)
        for row, value in zip(order.tolist(), values.tolist(), strict=True)
    ]


def recall(index: TokenIndex, queries: Sequence[np.ndarray], *, top: int = 10) -> float:
    """Share of the exact top passages that the candidates keep, mean over queries."""
    exact = index.search_many(queries, top=top)
    kept = []
    for query, best in zip(queries, exact, strict=True):
        if best:
            found = {identifier for identifier, _ in search_candidates(index, query, top=top)}
            kept.append(sum(identifier in found for identifier, _ in best) / len(best))
    return float(np.mean(kept)) if kept else 1.0


def _best_owners(
    index: TokenIndex, similarity: np.ndarray, tokens: np.ndarray, candidates: int
) -> list[int]:
    """Passages with the largest sum over query tokens of the best similarity found.

    A query token that found nothing in a passage counts as the worst that it found anywhere:
    more can't be said of it.
    """
    found = tokens >= 0
    owners = np.searchsorted(index.offsets, tokens, "right") - 1
    passages, inverse = np.unique(owners[found], return_inverse=True)
    rows = np.broadcast_to(np.arange(len(tokens))[:, None], tokens.shape)[found]
    worst = np.where(found, similarity, np.inf).min(1)
    worst = np.where(np.isfinite(worst), worst, 0.0)
    best = np.repeat(worst[None, :], len(passages), axis=0)
    np.maximum.at(best, (inverse, rows), similarity[found])
    order = np.argsort(-best.sum(1), kind="stable")[:candidates]
    return passages[order].tolist()


def _engine(index: TokenIndex) -> Any:
    path = index.folder / FILE
    if not path.is_file():
        raise InputError(
            f"the index in {index.folder} has no candidate lists; build them with "
            "`optical index --approximate`"
        )
    engine = _read(str(path), path.stat().st_mtime_ns)
    if engine.ntotal != len(index.vectors):
        raise InputError(
            f"the candidate lists in {index.folder} are of another version of the index; "
            "build them again with `optical index --approximate`"
        )
    return engine


@lru_cache(maxsize=4)
def _read(path: str, changed: int) -> Any:
    import faiss

    try:
        engine: Any = faiss.read_index(path)
    except RuntimeError as error:
        raise InputError(
            f"{path} is damaged; build it again with `optical index --approximate`"
        ) from error
    if hasattr(engine, "nprobe"):
        engine.nprobe = max(8, int(PROBED * engine.nlist))
    return engine
