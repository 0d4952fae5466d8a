"""Ranking: what one model found for a query, as the search page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from optical_core.data.corpus import Passage


@dataclass(frozen=True)
class Ranking:
    """What one model found: (passage id, score) best first, and how long the search took."""

    hits: tuple[tuple[str, float], ...]
    seconds: float
    passages: Mapping[str, Passage]
    """By id, at least those that were found."""
    gloss: str = ""
    """The query with words put in English, if it is asked so too."""
    kept: bool = False
    """Was it searched before, and is this the answer that was kept?"""

    @property
    def ranks(self) -> dict[str, int]:
        return {identifier: rank for rank, (identifier, _) in enumerate(self.hits, 1)}
