"""ListedIndex: find passages through FAISS's inverted lists of tokens, without reading the rest.

Each query token's nearest passage tokens are looked up in a share of the lists. Passages with the
largest sum of these similarities are scored in 8 bits, and the best of them exactly. The other
modes read the whole collection, this one a tenth of it: it is for millions of passages.

    tokens.faiss    the lists (IVF, 8-bit scalar quantisation)
    tokens.json     hash of the original vectors, measured recall; written last
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from optical_core.checksums import check_noted, replace_noted
from optical_core.data.lines import read_json
from optical_core.data.trec import Hits
from optical_core.errors import InputError
from optical_core.retrieval.quantised import QuantisedIndex, largest
from optical_core.retrieval.recall import Approximation, measured_recall
from optical_core.retrieval.token_index import TokenIndex
from optical_core.storage import replace_file

logger = logging.getLogger(__name__)

FILE, FACTS = "tokens.faiss", "tokens.json"
CANDIDATES = 1024
"""Fewest passages that are scored in 8 bits for a query; more if over a quarter are asked for."""
NEIGHBOURS = 512
"""Passage tokens looked up for each query token."""
PROBED = 0.1
"""Share of the inverted lists that are searched (at least eight lists)."""
_TRAINING_TOKENS = 100_000
_ADDED_TOKENS = 262_144
"""Tokens given to FAISS at a time: bounds memory (fp32, 384 dimensions: 400 MB)."""


@dataclass(frozen=True)
class ListedIndex(Approximation):
    """An index with its 8-bit form and inverted lists of its tokens."""

    mode = "lists"

    quantised: QuantisedIndex
    engine: Any
    measured: float

    @property
    def index(self) -> TokenIndex:
        return self.quantised.index

    @property
    def recall(self) -> float:
        return self.measured

    @classmethod
    def open(cls, quantised: QuantisedIndex) -> ListedIndex:
        """Open the index's lists; make them if they are missing, damaged or of other vectors."""
        index = quantised.index
        if there := cls._read(quantised):
            return there
        unmeasured = cls(quantised, _built(index), 0.0)
        recall = measured_recall(index, unmeasured)
        facts = {"of": index.fingerprint, "recall": round(recall, 4)}
        with replace_file(index.folder / FACTS) as temporary:
            temporary.write_text(json.dumps(facts) + "\n", encoding="utf-8")
        logger.info("%s keeps %.1f%% of the exact top 10", index.folder / FILE, 100 * recall)
        return replace(unmeasured, measured=recall)

    @classmethod
    def _read(cls, quantised: QuantisedIndex) -> ListedIndex | None:
        import faiss

        index = quantised.index
        path, facts = index.folder / FILE, index.folder / FACTS
        if not (path.is_file() and facts.is_file()):
            return None
        try:
            known = read_json(facts)
            if known["of"] != index.fingerprint:
                logger.info("%s is of other vectors: made again", path)
                return None
            check_noted(path)
            engine = faiss.read_index(str(path))
            if engine.ntotal != len(index.vectors) or engine.d != index.dimension:
                raise ValueError("it has other tokens")
            return cls(quantised, _probing(engine), float(known["recall"]))
        except (InputError, RuntimeError, KeyError, TypeError, ValueError) as error:
            first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
            logger.warning("%s is damaged (%s): made again", path, first_line)
            return None

    def ranked(
        self, queries: Sequence[np.ndarray], top: int, positions: np.ndarray | None
    ) -> list[Hits]:
        return [self._ranked(query, top, positions) for query in queries]

    def _ranked(self, query: np.ndarray, top: int, positions: np.ndarray | None) -> Hits:
        index, wanted = self.index, max(CANDIDATES, 4 * top)
        # If few passages may be found, most of the nearest tokens would be of others.
        if 2 * len(index.ids if positions is None else positions) > max(2 * wanted, len(index)):
            vectors = np.ascontiguousarray(query, np.float32)
            most = min(NEIGHBOURS, self.engine.ntotal)
            similarity, tokens = self.engine.search(vectors, most)
            owners = _best_owners(index, similarity, tokens, wanted, positions)
            if positions is None or len(owners) >= top:
                positions = owners
        return self.quantised.rescored(query, positions, top)


def _built(index: TokenIndex, *, seed: int = 0) -> Any:
    """Train and fill the lists, and write them beside the vectors."""
    import faiss

    total, width = index.vectors.shape
    # FAISS asks for at least 39 training vectors a list.
    lists = int(min(4 * np.sqrt(total), total / 39))
    kind = f"IVF{lists},SQ8" if lists >= 8 else "SQ8"
    engine = faiss.index_factory(width, kind, faiss.METRIC_INNER_PRODUCT)
    drawn = np.random.default_rng(seed).choice(total, min(total, _TRAINING_TOKENS), replace=False)
    engine.train(np.asarray(index.vectors[np.sort(drawn)], np.float32))
    for begin in range(0, total, _ADDED_TOKENS):
        engine.add(np.asarray(index.vectors[begin : begin + _ADDED_TOKENS], np.float32))
    with replace_noted(index.folder / FILE) as temporary:
        try:
            faiss.write_index(engine, str(temporary))
        except RuntimeError as error:  # FAISS raises it if the disk is full
            raise OSError("FAISS can't write it: is the disk full?") from error
    return _probing(engine)


def _probing(engine: Any) -> Any:
    if hasattr(engine, "nprobe"):
        engine.nprobe = max(8, int(PROBED * engine.nlist))
    return engine


def _best_owners(
    index: TokenIndex,
    similarity: np.ndarray,
    tokens: np.ndarray,
    most: int,
    positions: np.ndarray | None,
) -> np.ndarray:
    """Positions of the `most` passages with the largest sums of best similarities.

    The sum is over query tokens. Passages equal to the last one are included. A query token without
    a match in a passage counts with its worst match in any passage, an upper bound.

    Args:
        index: the index.
        similarity: (n, k) of each query token's nearest passage tokens.
        tokens: (n, k) numbers of these tokens; -1 for none.
        most: number of passages.
        positions: of the passages that may be found; None for all.
    """
    real = tokens >= 0
    owners = np.searchsorted(index.offsets, tokens, "right") - 1
    if positions is not None:
        real &= np.isin(owners, positions)
    passages, inverse = np.unique(owners[real], return_inverse=True)
    rows = np.broadcast_to(np.arange(len(tokens))[:, None], tokens.shape)[real]
    worst = np.where(real, similarity, np.inf).min(1)
    worst = np.where(np.isfinite(worst), worst, 0.0)
    best = np.repeat(worst[None, :], len(passages), axis=0)
    np.maximum.at(best, (inverse, rows), similarity[real])
    return passages[largest(best.sum(1), most)]
