"""The quality of a word alignment: AER against gold links."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

Link = tuple[int, int]


def alignment_error_rate(
    predicted: Collection[Link], sure: Collection[Link], possible: Collection[Link]
) -> float:
    """Compute AER = 1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|) (Och and Ney 2003); 0 is perfect.

    Args:
        predicted: A, links as (source word, target word).
        sure: S.
        possible: P; sure links are possible, whether they are in it or not.

    Returns:
        AER, from 0 to 1; 0 if nothing is predicted or sure.

    Examples:
        >>> alignment_error_rate({(0, 0), (1, 1)}, {(0, 0)}, {(0, 0), (1, 1)})
        0.0
    """
    return LinkCounts.of(predicted, sure, possible).error_rate


@dataclass(frozen=True)
class LinkCounts:
    """Counts of a corpus's links. Published rates are of all links together, as here.

    Attributes:
        predicted: links predicted.
        sure: sure links in the gold.
        sure_hits: predicted links that are sure.
        possible_hits: predicted links that are possible or sure.

    Examples:
        >>> counts = LinkCounts.of({(0, 0), (1, 2)}, sure={(0, 0)}, possible=set())
        >>> counts.precision, counts.recall
        (0.5, 1.0)
    """

    predicted: int = 0
    sure: int = 0
    sure_hits: int = 0
    possible_hits: int = 0

    @classmethod
    def of(
        cls, predicted: Collection[Link], sure: Collection[Link], possible: Collection[Link]
    ) -> LinkCounts:
        """Count the links of one sentence pair; counts of several pairs can be added."""
        links, certain = set(predicted), set(sure)
        allowed = certain | set(possible)
        return cls(len(links), len(certain), len(links & certain), len(links & allowed))

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
        """AER (Och and Ney 2003); 0 if nothing is predicted or sure."""
        total = self.predicted + self.sure
        return 1 - (self.sure_hits + self.possible_hits) / total if total else 0.0
