"""Passages drawn around real ones: token vectors for collections that are larger than any here.

Real passages are pooled first, so that a drawn one has a vector for so many tokens. It takes
neighbouring vectors of a random real passage. Each of them moves towards its most similar vector of
a second passage, one of the 50 whose means are nearest to the first one's: by a share of the way of
its own, between nothing and 60 %, and becomes a unit vector again. So drawn vectors lie between
real ones, drawn passages are about something, and no two are alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch.nn.functional import normalize

from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.compression import Compression
from optical_core.retrieval.token_index import TokenIndex

NEIGHBOURS = 50
FARTHEST = 0.6
"""Largest share of the way to the other passage's token."""
_BLOCK = 256


class Drawn(TokenEncoder):
    """Stands for an encoder: each text is another drawn passage, always the same one at its place.

    Args:
        source: the real passages.
        tokens: of a drawn passage.
        pool: tokens for which it has one vector.
        seed: of the drawing.
    """

    def __init__(self, source: TokenIndex, tokens: int, pool: int, seed: int = 0) -> None:
        self.name, self.hash, self._seed = "drawn", "d" * 16, seed
        self.model: Any = SimpleNamespace(device="cpu")
        self._source, self._count = source, tokens // pool
        whole = (source.vectors_at(place) for place in np.flatnonzero(np.diff(source.offsets)))
        passages = [Compression(pool=pool).pooled(vectors)[0] for vectors in whole]
        self._vectors = torch.from_numpy(np.concatenate(passages).astype(np.float16))
        self._lengths = torch.tensor([len(vectors) for vectors in passages])
        self._begins = self._lengths.cumsum(0) - self._lengths
        self._near = self._neighbours()

    @property
    def dimension(self) -> int:
        return self._source.dimension

    def room(self, side: Any) -> int:
        return 1 << 20

    def encode(self, texts: Iterable[str], *_: Any, **__: Any) -> Iterator[np.ndarray]:
        generator = torch.Generator().manual_seed(self._seed)
        remaining = iter(texts)
        while part := len(list(islice(remaining, _BLOCK))):
            yield from self._drawn(generator).numpy()[:part]

    def _drawn(self, generator: torch.Generator) -> torch.Tensor:
        """Vectors (block, count, d) of drawn passages."""
        passages = torch.randint(len(self._lengths), (_BLOCK,), generator=generator)
        picks = torch.randint(NEIGHBOURS, (_BLOCK,), generator=generator)
        own = self._window(passages, generator)
        other = self._window(self._near[passages, picks], generator)
        nearest = (own @ other.transpose(1, 2)).argmax(2)
        matched = other[torch.arange(_BLOCK)[:, None], nearest]
        shares = FARTHEST * torch.rand(_BLOCK, self._count, 1, generator=generator)
        return normalize(torch.lerp(own, matched, shares), dim=2)

    def _window(self, passages: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Neighbouring vectors of passages; short ones begin again."""
        lengths = self._lengths[passages]
        first = (torch.rand(len(passages), generator=generator) * lengths).long()
        places = (first[:, None] + torch.arange(self._count)) % lengths[:, None]
        return self._vectors[self._begins[passages][:, None] + places].float()

    def _neighbours(self) -> torch.Tensor:
        """The passages whose means are nearest to each one's, (P, 50)."""
        owners = torch.repeat_interleave(torch.arange(len(self._lengths)), self._lengths)
        sums = torch.zeros(len(self._lengths), self.dimension)
        means = normalize(sums.index_add_(0, owners, self._vectors.float()))
        parts = [(part @ means.T).topk(NEIGHBOURS + 1).indices[:, 1:] for part in means.split(1024)]
        return torch.cat(parts)
