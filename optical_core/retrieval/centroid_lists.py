"""CentroidIndex: choose passages of a compressed index by its centroids, without reading the rest.

Each query token probes its nearest centroids. A passage gains from a token the similarity of the
best probed centroid that one of its vectors is near to, less that of the last one probed: what it
might have beyond the probes counts as that (Lee et al. 2023, XTR; Santhanam et al. 2022, PLAID).
The passages with the largest sums are scored with their vectors. The number of centroids grows like
the square root of the number of vectors, and so does the work, as far as the codec knew it.

    candidates.safetensors    the postings: (N,) int32 passages, (C + 1,) int64 starts
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from optical_core import native
from optical_core.checksums import check_noted, replace_noted
from optical_core.data.trec import Hits
from optical_core.retrieval.candidates import FILE, candidates
from optical_core.retrieval.codec import HEAD_BYTES
from optical_core.retrieval.int8_kernel import TOKENS
from optical_core.retrieval.packed_vectors import PackedVectors
from optical_core.retrieval.quantised import QuantisedIndex, largest
from optical_core.retrieval.recall import Approximation, queries_of, share_kept
from optical_core.retrieval.token_index import TokenIndex

logger = logging.getLogger(__name__)

FORMAT = "postings 1"
PROBED = 32
"""Centroids that a query token probes."""
FACTORS = (1, 2, 4)
"""Times the fewest candidates that may be scored; the first with enough recall is taken."""
ENOUGH = 0.995
"""Recall on blended queries made from passages; real ones keep a little less."""
_BLENDED = 3
"""Passages that a blended query has its tokens from."""
WORTHWHILE = 3
"""Where candidates are more than one in so many passages, scoring all takes no longer."""
_DECLARATIONS = """
int64_t optical_gather(const int64_t *starts, const int32_t *passages, const int64_t *probes,
                       const float *gains, int64_t n, int64_t each, float *scores, int32_t *seen,
                       int32_t *met);
"""


def library() -> tuple[Any, Any] | None:
    """cffi's (ffi, library) of postings.c; None if it can't be compiled."""
    return native.library(Path(__file__).with_name("postings.c"), _DECLARATIONS, "-O2")


@dataclass(frozen=True)
class CentroidIndex(Approximation):
    """A compressed index with the postings of its centroids.

    Attributes:
        quantised: scores the candidates.
        starts: (C + 1,) int64, where each centroid's postings begin.
        passages: (N,) int32, the postings.
        factor: times the fewest candidates.
        measured: the recall.
    """

    mode = "candidates"
    margin = 0.005  # real queries keep less than those made from passages

    quantised: QuantisedIndex
    starts: np.ndarray
    passages: np.ndarray
    factor: int = FACTORS[0]
    measured: float = 0.0

    @classmethod
    def open(cls, quantised: QuantisedIndex) -> CentroidIndex:
        """Open the index's postings; they are made first if they are missing or outdated."""
        index = quantised.index
        if there := cls._read(quantised):
            return there
        made = cls(quantised, *_postings(index))._measured()
        facts = {
            "format": FORMAT,
            "of": index.fingerprint,
            "factor": str(made.factor),
            "recall": f"{made.recall:.4f}",
        }
        path = index.folder / FILE
        with replace_noted(path) as temporary:
            save_file({"starts": made.starts, "passages": made.passages}, temporary, facts)
        logger.info("%s keeps %.1f%% of the exact top 10", path, 100 * made.recall)
        return made

    @classmethod
    def _read(cls, quantised: QuantisedIndex) -> CentroidIndex | None:
        index = quantised.index
        path = index.folder / FILE
        if not path.is_file():
            return None
        try:
            check_noted(path)
            with safe_open(path, "np") as file:
                facts = file.metadata()
                if facts["format"] != FORMAT or facts["of"] != index.fingerprint:
                    logger.info("%s is of other vectors or an older form: made again", path)
                    return None
                starts, passages = file.get_tensor("starts"), file.get_tensor("passages")
            return cls(quantised, starts, passages, int(facts["factor"]), float(facts["recall"]))
        except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
            logger.warning("%s is damaged (%s): made again", path, error)
            return None

    def _measured(self) -> CentroidIndex:
        """The same with the fewest candidates that keep enough of the exact top ten."""
        queries = _blended(queries_of(self.index, seed=1))
        exact = self.index.search_many(queries, top=10)
        for factor in FACTORS:
            made = replace(self, factor=factor)
            made = replace(made, measured=share_kept(exact, made.search_many(queries, top=10)))
            if made.recall >= ENOUGH:
                break
        return made

    @property
    def index(self) -> TokenIndex:
        return self.quantised.index

    @property
    def recall(self) -> float:
        return self.measured

    def ranked(
        self, queries: Sequence[np.ndarray], top: int, positions: np.ndarray | None
    ) -> list[Hits]:
        return [self._ranked(query, top, positions) for query in queries]

    def _ranked(self, query: np.ndarray, top: int, positions: np.ndarray | None) -> Hits:
        total = len(self.index)
        wanted = max(self.factor * candidates(total), 4 * top)
        # If few passages may be found, most of those that are met would be others.
        if WORTHWHILE * wanted < len(positions if positions is not None else self.index.ids):
            met, scores = self._met(query)
            if positions is not None:
                allowed = np.zeros(total, bool)
                allowed[positions] = True
                met, scores = met[allowed[met]], scores[allowed[met]]
            if len(met) >= top:
                positions = np.sort(met[largest(scores, wanted)])
        return self.quantised.rescored(query, positions, top)

    def _met(self, query: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the passages that a query's probes meet, and their gains."""
        assert isinstance(self.index.vectors, PackedVectors)
        centroids = self.index.vectors.codec.centroids
        vectors = torch.from_numpy(np.asarray(query, np.float32))
        nearest = (vectors @ centroids.T).topk(min(PROBED, len(centroids)), dim=1)
        gains = (nearest.values - nearest.values[:, -1:]).numpy()
        return _gathered(
            self.starts, self.passages, nearest.indices.numpy(), gains, len(self.index)
        )


def _blended(queries: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Queries with tokens of several passages each, shares of the given queries.

    A passage's own query finds its near copies first, which share its centroids: too easy.
    """
    pieces = [np.array_split(query, _BLENDED) for query in queries]
    count = len(queries)
    return [
        np.concatenate([pieces[(number + part) % count][part] for part in range(_BLENDED)])
        for number in range(count)
    ]


def _postings(index: TokenIndex) -> tuple[np.ndarray, np.ndarray]:
    """Starts (C + 1,) and passages (N,) of the centroids' postings."""
    assert isinstance(index.vectors, PackedVectors)
    heads = index.vectors.blocks[:, : HEAD_BYTES // 2 * TOKENS]
    numbers = np.ascontiguousarray(heads).view(np.uint16).reshape(-1)[: len(index.vectors)]
    owners = np.repeat(np.arange(len(index)), np.diff(index.offsets))
    pairs = np.unique(numbers.astype(np.int64) * len(index) + owners)
    centroids = len(index.vectors.codec.centroids)
    starts = np.searchsorted(pairs, np.arange(centroids + 1) * len(index))
    return starts.astype(np.int64), (pairs % len(index)).astype(np.int32)


def _gathered(
    starts: np.ndarray, passages: np.ndarray, probes: np.ndarray, gains: np.ndarray, total: int
) -> tuple[np.ndarray, np.ndarray]:
    """Passages that the probes (n, k) meet, and their sums of gains; C and NumPy agree."""
    scores = np.zeros(total, np.float32)
    compiled = library()
    if compiled is None:
        met = np.zeros(total, bool)
        for row, gain in zip(probes, gains, strict=True):
            best = np.zeros(total, np.float32)
            for probe, value in zip(row[::-1], gain[::-1], strict=True):
                best[passages[starts[probe] : starts[probe + 1]]] = value
                met[passages[starts[probe] : starts[probe + 1]]] = True
            scores += best
        found = np.flatnonzero(met)
        return found, scores[found]
    ffi, kernel = compiled
    seen, found = np.zeros(total, np.int32), np.empty(total, np.int32)
    count = kernel.optical_gather(
        ffi.from_buffer("int64_t[]", starts),
        ffi.from_buffer("int32_t[]", passages),
        ffi.from_buffer("int64_t[]", np.ascontiguousarray(probes)),
        ffi.from_buffer("float[]", np.ascontiguousarray(gains)),
        *probes.shape,
        ffi.from_buffer("float[]", scores, require_writable=True),
        ffi.from_buffer("int32_t[]", seen, require_writable=True),
        ffi.from_buffer("int32_t[]", found, require_writable=True),
    )
    found = found[:count].astype(np.int64)
    return found, scores[found]
