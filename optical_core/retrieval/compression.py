"""Compression: how the token vectors of an index are made smaller than fp16.

Fewer bits a dimension (see `codec`), and fewer vectors: neighbouring tokens of a passage in the
space of vectors are replaced by their mean (Clavié, Chaffin and Adams 2024, hierarchical pooling).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from optical_core.errors import InputError
from optical_core.retrieval.codec import BITS
from optical_core.retrieval.pooling import cluster_means

PLAIN_BITS = 16
MOST_POOLED = 8


@dataclass(frozen=True)
class Compression:
    """The form of an index's vectors. A value out of its range raises InputError.

    Attributes:
        bits: 16 for fp16; 8, 4 or 2 for a residual's bits in each direction.
        dims: directions of the residuals; None for all dimensions.
        pool: a passage keeps one vector for this many tokens.

    Examples:
        >>> Compression(bits=2, pool=2).to_dict()
        {'bits': 2, 'dims': None, 'pool': 2}
        >>> Compression().plain
        True
    """

    bits: int = PLAIN_BITS
    dims: int | None = None
    pool: int = 1

    def __post_init__(self) -> None:
        known = (*BITS, PLAIN_BITS)
        if self.bits not in known:
            choices = ", ".join(map(str, known))
            raise InputError(f"vectors can't have {self.bits} bits a dimension: give {choices}")
        if not 1 <= self.pool <= MOST_POOLED:
            raise InputError(f"{self.pool} tokens can't be pooled: give 1 (none) to {MOST_POOLED}")
        if self.dims is not None and self.bits == PLAIN_BITS:
            raise InputError("fewer dimensions need fewer bits too: give 8, 4 or 2 bits")
        if self.dims is not None and self.dims < 1:
            raise InputError(f"residuals can't have {self.dims} dimensions: give 1 or more")

    @property
    def plain(self) -> bool:
        """Are the vectors as the encoder gives them, in fp16?"""
        return self == UNCOMPRESSED

    def to_dict(self) -> dict[str, Any]:
        """For index.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any] | None) -> Compression:
        """From index.json; without an entry it is plain.

        Raises:
            InputError: a value is out of its range.
            TypeError: it isn't an entry of `to_dict`.
        """
        return cls(**facts) if facts else cls()

    def pooled(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A passage's vectors (m, d), pooled, and the tokens (m',) that stand for them.

        The token with the largest cosine stands for a mean. The means are in these tokens' order.
        """
        if self.pool == 1 or len(vectors) < 2:
            return vectors, np.arange(len(vectors))
        means = cluster_means(vectors, self.pool)
        tokens = (means @ vectors.T).argmax(1)
        order = np.argsort(tokens, kind="stable")
        return means[order], tokens[order]


UNCOMPRESSED = Compression()
