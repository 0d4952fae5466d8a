"""Ways to expand queries from the first passages that they find, and their numbers.

+rm3    RM3 (Abdul-Jaleel et al. 2004) for BM25, as Anserini has it; see `relevance_model`
+prf    ColBERT-PRF (Wang et al. 2021) for token vectors; see `token_feedback`

They follow a model's name: `bm25+rm3`, `optical-lowres+prf(docs=5,weight=0.5)`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from optical_core.errors import InputError

MOST = 100
"""Most feedback passages, clusters or added terms."""


@dataclass(frozen=True)
class Expansion:
    """The numbers of a way to expand queries. A value out of its range raises InputError.

    Attributes:
        docs: feedback passages: so many of the first ones.
        terms: most terms that are added.
    """

    sign = ""
    docs: int = 10
    terms: int = 10

    def __post_init__(self) -> None:
        for name, value in self._numbers().items():
            if isinstance(value, int) and not 1 <= value <= MOST:
                raise InputError(f"+{self.sign}: {name} is 1 to {MOST}, not {value}")

    def _numbers(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __str__(self) -> str:
        usual = type(self)()
        changed = [f"{k}={v:g}" for k, v in self._numbers().items() if v != getattr(usual, k)]
        return f"+{self.sign}({','.join(changed)})" if changed else f"+{self.sign}"


@dataclass(frozen=True)
class Rm3(Expansion):
    """RM3's numbers, with Anserini's values.

    Attributes:
        weight: of the query as typed, from 0 to 1; the added terms have the rest.

    Examples:
        >>> str(Rm3()), str(Rm3(docs=5, weight=0.7))
        ('+rm3', '+rm3(docs=5,weight=0.7)')
    """

    sign = "rm3"
    weight: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.weight <= 1:
            raise InputError(f"+rm3: weight is 0 to 1, not {self.weight:g}")


@dataclass(frozen=True)
class Prf(Expansion):
    """ColBERT-PRF's numbers, with the paper's values.

    Attributes:
        clusters: of the feedback passages' token vectors.
        weight: of the added vectors, beside 1 for the query's (the paper's beta).

    Examples:
        >>> str(Prf(docs=5, clusters=24))
        '+prf(docs=5)'
    """

    sign = "prf"
    docs: int = 3
    clusters: int = 24
    weight: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.terms > self.clusters:
            raise InputError(
                f"+prf: each term is one of the {self.clusters} clusters, so terms can't be "
                f"{self.terms}"
            )
        if not 0 < self.weight <= MOST:
            raise InputError(f"+prf: weight is above 0 and at most {MOST}, not {self.weight:g}")


WAYS: dict[str, type[Rm3] | type[Prf]] = {"rm3": Rm3, "prf": Prf}
"""Sign -> its numbers."""


def read_expansion(sign: str, text: str) -> Rm3 | Prf:
    """Read a way to expand queries.

    Args:
        sign: a key of `WAYS`.
        text: its numbers as they are written between parentheses; empty for the usual ones.

    Raises:
        InputError: a number is unknown, comes twice, or is out of its range.

    Examples:
        >>> read_expansion("rm3", "docs=5, weight=.7")
        Rm3(docs=5, terms=10, weight=0.7)
    """
    way = WAYS[sign]
    whole = {field.name: field.type == "int" for field in fields(way)}
    values: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = (piece.strip() for piece in part.partition("="))
        try:
            if name not in whole or name in values:
                raise ValueError
            values[name] = int(number) if whole[name] else float(f"{float(number):g}")
        except ValueError:
            raise InputError(
                f"+{sign}({text}): {part!r} can't be read; it takes {', '.join(whole)}, each a "
                f"number and once, as in +{sign}(docs=5)"
            ) from None
    return way(**values)
