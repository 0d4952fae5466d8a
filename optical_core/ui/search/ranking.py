"""Ranking: one model's answer to a query, as the search page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from optical_core.data.corpus import Passage
from optical_core.retrieval.explain import Added


@dataclass(frozen=True)
class Ranking:
    """One model's hits, (passage id, score), best first, and how long the search took."""

    hits: tuple[tuple[str, float], ...]
    seconds: float
    passages: Mapping[str, Passage]
    """Passages by id; all hits are among them."""
    gloss: str = ""
    """The gloss that was asked with the query, if any."""
    added: tuple[Added, ...] = ()
    """What feedback added to the query, if anything."""
    kept: bool = False
    """Is this the kept answer of an earlier search?"""

    @property
    def ranks(self) -> dict[str, int]:
        return {identifier: rank for rank, (identifier, _) in enumerate(self.hits, 1)}
