"""CentroidIndex: choose passages by centroids and sketches, without reading the rest.

A search has three steps. The passages that gain most from the centroids which the query's tokens
probe (see `postings`) are scored by their sketches, and the best of these by their vectors. The
number of centroids grows like the square root of the number of vectors, and so does the work.

    centroids.safetensors    the postings: (N,) int32 passages, (C + 1,) int64 starts; the sketches
                             and their codec

In a compressed index, the file is named candidates.safetensors, and the centroids are the index's.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from optical_core.checksums import check_noted, replace_noted
from optical_core.data.trec import Hits
from optical_core.retrieval import postings
from optical_core.retrieval.candidates import FILE as OF_COMPRESSED
from optical_core.retrieval.candidates import candidates
from optical_core.retrieval.codec import Codec
from optical_core.retrieval.packed_vectors import PackedVectors
from optical_core.retrieval.postings import Postings
from optical_core.retrieval.quantised import QuantisedIndex, largest
from optical_core.retrieval.recall import Approximation, queries_of, share_kept
from optical_core.retrieval.sketches import BITS, sketched
from optical_core.retrieval.token_index import TokenIndex

logger = logging.getLogger(__name__)

FILE = "centroids.safetensors"
FORMAT = "postings 2"
PROBED = 16
"""Centroids that a query token probes."""
FACTORS = (1, 2, 4, 8)
"""Times the fewest passages that may be sketched; the first with enough recall is taken."""
SKETCHED = 8
"""Of so many passages whose sketches are scored, one is scored with its vectors."""
LEAST_SCORED = 400
"""Fewest passages that are scored with their vectors."""
ENOUGH = {0: 0.995, 500_000: 0.985, 2_000_000: 0.97}
"""Passages -> recall that is wanted from so many on: scoring all of them takes ever longer. It is
measured on blended queries made from passages; real ones keep a little less."""
_BLENDED = 3
"""Passages that a blended query has its tokens from."""
WORTHWHILE = 3
"""Where candidates are more than one in so many passages, scoring all takes no longer."""


@dataclass(frozen=True)
class CentroidIndex(Approximation):
    """An index with the postings of centroids, and sketches.

    Attributes:
        quantised: scores the best.
        postings: its passages by centroid.
        sketches: of its vectors.
        factor: times the fewest candidates.
        measured: the recall.
    """

    mode = "candidates"
    quantised: QuantisedIndex
    postings: Postings
    sketches: PackedVectors
    factor: int = FACTORS[0]
    measured: float = 0.0

    @classmethod
    def open(cls, quantised: QuantisedIndex) -> CentroidIndex:
        """Open the index's postings and sketches; they are made if they are missing or outdated."""
        index = quantised.index
        if there := cls._read(quantised):
            return there
        sketches = sketched(index)
        found = Postings.of(sketches.numbers(), index.offsets, len(sketches.codec.centroids))
        made = cls(quantised, found, sketches)._measured()
        facts = {
            "format": FORMAT,
            "of": index.fingerprint,
            "factor": str(made.factor),
            "recall": f"{made.recall:.4f}",
        }
        path = _file(index)
        with replace_noted(path) as temporary:
            save_file(made._tensors(), temporary, facts)
        logger.info("%s keeps %.1f%% of the exact top 10", path, 100 * made.recall)
        return made

    def _tensors(self) -> dict[str, torch.Tensor]:
        codec, vectors = self.sketches.codec, self.index.vectors
        shared = isinstance(vectors, PackedVectors)
        kept = {} if shared else {"centroids": codec.centroids, "groups": codec.groups}
        named = kept | {"steps": codec.steps, "basis": codec.basis}
        return {name: value for name, value in named.items() if value is not None} | {
            "starts": torch.from_numpy(self.postings.starts),
            "passages": torch.from_numpy(self.postings.passages),
            "sketches": torch.from_numpy(self.sketches.blocks),
        }

    @classmethod
    def _read(cls, quantised: QuantisedIndex) -> CentroidIndex | None:
        index = quantised.index
        path = _file(index)
        if not path.is_file():
            return None
        try:
            check_noted(path)
            with safe_open(path, "pt") as file:
                facts = file.metadata()
                if facts["format"] != FORMAT or facts["of"] != index.fingerprint:
                    logger.info("%s is of other vectors or an older form: made again", path)
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if isinstance(index.vectors, PackedVectors):
                codec = index.vectors.codec
                tensors |= {"centroids": codec.centroids, "groups": codec.groups}
            kept = tensors["centroids"], tensors["steps"], tensors.get("basis")
            codec = Codec(BITS, *kept, tensors.get("groups"))
            sketches = PackedVectors(codec, tensors["sketches"].numpy(), len(index.vectors))
            found = Postings(tensors["starts"].numpy(), tensors["passages"].numpy())
            return cls(quantised, found, sketches, int(facts["factor"]), float(facts["recall"]))
        except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
            logger.warning("%s is damaged (%s): made again", path, error)
            return None

    def _measured(self) -> CentroidIndex:
        """The same with the fewest candidates that keep enough of the best ten of all passages."""
        queries = _blended(queries_of(self.index, seed=1))
        best = self.quantised.search_many(queries, top=10)
        for factor in FACTORS:
            made = replace(self, factor=factor)
            made = replace(made, measured=share_kept(best, made.search_many(queries, top=10)))
            if made.recall >= enough(len(self.index)):
                break
        return made

    @property
    def least(self) -> float:
        return enough(len(self.index))

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
        total, index = len(self.index), self.index
        wanted = max(self.factor * candidates(total), 8 * top)
        # If few passages may be found, most of those that are met would be others.
        if WORTHWHILE * wanted >= (total if positions is None else len(positions)):
            return self.quantised.rescored(query, positions, top)
        allowed = None
        if positions is not None:
            allowed = np.zeros(total, bool)
            allowed[positions] = True
        near = self.sketches.near(query)
        probes, values = postings.nearest(near.numpy(), min(PROBED, len(near)))
        met, sums = self.postings.best(probes, values - values[:, -1:], wanted, total, allowed)
        if len(met) < top:
            return self.quantised.rescored(query, positions, top)
        chosen = np.sort(met[largest(sums, wanted)])
        begins, ends = index.offsets[chosen], index.offsets[chosen + 1]
        scores = self.sketches.maxsim(query, begins, ends, near)
        chosen = chosen[largest(scores, max(LEAST_SCORED, wanted // SKETCHED, 4 * top))]
        if not isinstance(index.vectors, PackedVectors):
            return self.quantised.rescored(query, chosen, top)
        begins, ends = index.offsets[chosen], index.offsets[chosen + 1]
        scores = index.vectors.maxsim(query, begins, ends, near)
        return self.quantised.best_of(query, chosen, scores, top)


def _file(index: TokenIndex) -> Path:
    packed = isinstance(index.vectors, PackedVectors)
    return index.folder / (OF_COMPRESSED if packed else FILE)


def enough(passages: int) -> float:
    """The recall that is wanted among so many passages.

    Examples:
        >>> enough(100_000), enough(1_000_000)
        (0.995, 0.985)
    """
    return next(recall for size, recall in reversed(ENOUGH.items()) if passages >= size)


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
