"""How good a word alignment is: AER against gold links."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

Link = tuple[int, int]


def alignment_error_rate(
    predicted: Collection[Link], sure: Collection[Link], possible: Collection[Link]
) -> float:
    """AER = 1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|) (Och and Ney 2003); 0 is perfect.

    `possible` holds the sure links too. 0 if there is neither a predicted nor a sure link.

    Examples:
        >>> alignment_error_rate({(0, 0), (1, 1)}, {(0, 0)}, {(0, 0), (1, 1)})
        0.0
    """
    return LinkCounts.of(predicted, sure, possible).error_rate


@dataclass(frozen=True)
class LinkCounts:
    """Links of a corpus, counted: rates are over all links together, as they are published.

    predicted, sure: links predicted, and sure in the gold; sure_hits, possible_hits: predicted
    links among the sure, and among the possible ones (sure ones with them).
    """

    predicted: int = 0
    sure: int = 0
    sure_hits: int = 0
    possible_hits: int = 0

    @classmethod
    def of(
        cls, predicted: Collection[Link], sure: Collection[Link], possible: Collection[Link]
    ) -> LinkCounts:
        found, certain = set(predicted), set(sure)
        allowed = certain | set(possible)
        return cls(len(found), len(certain), len(found & certain), len(found & allowed))

    def __add__(self, other: LinkCounts) -> LinkCounts:
        return LinkCounts(
            self.predicted + other.predicted,
            self.sure + other.sure,
            self.sure_hits + other.sure_hits,
            self.possible_hits + other.possible_hits,
        )

    @property
    def precision(self) -> float:
        """|A ∩ P| / |A|; 1 if nothing is predicted."""
        return self.possible_hits / self.predicted if self.predicted else 1.0

    @property
    def recall(self) -> float:
        """|A ∩ S| / |S|; 1 if nothing is sure."""
        return self.sure_hits / self.sure if self.sure else 1.0

    @property
    def error_rate(self) -> float:
        """AER (Och and Ney 2003)."""
        total = self.predicted + self.sure
        return 1 - (self.sure_hits + self.possible_hits) / total if total else 0.0
