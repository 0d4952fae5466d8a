"""Model names that are expressions, as trees; `expression_reader` has the signs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from optical_core.retrieval.expansions import WAYS, Prf, Rm3

RANK_CONSTANT = 60
"""The k of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009)."""
WEIGHT = r"\d*\.?\d+\s*\*"
EXPANDING = rf"\+\s*(?:{'|'.join(WAYS)})(?=\s*(?:[(),%>*]|\+|$))"
SIGNS = re.compile(rf'>>|%\s*\d|[(),*"]|\+\s*{WEIGHT}|{EXPANDING}')
"""What makes a name an expression."""
_QUOTED = re.compile(rf"{SIGNS.pattern}|^k\s*=\s*\d")
"""What makes quotes necessary around a name in an expression."""


@dataclass(frozen=True)
class Name:
    """A single model, such as `bm25`, `psq@lexicon` or a folder."""

    name: str

    def __str__(self) -> str:
        return f'"{self.name}"' if _QUOTED.search(self.name) else self.name


@dataclass(frozen=True)
class Expanded:
    """A model whose queries are expanded from the first passages that they find."""

    part: Node
    way: Rm3 | Prf

    def __str__(self) -> str:
        inner = f"{self.part}" if isinstance(self.part, Name | Expanded) else f"({self.part})"
        return f"{inner}{self.way}"


@dataclass(frozen=True)
class Cut:
    """The first passages of a ranking."""

    part: Node
    count: int

    def __str__(self) -> str:
        inner = f"({self.part})" if isinstance(self.part, Chain | Weighted) else f"{self.part}"
        return f"{inner}%{self.count}"


@dataclass(frozen=True)
class Weighted:
    """A weighted sum of scaled scores."""

    parts: tuple[tuple[float, Node], ...]

    def __str__(self) -> str:
        return "+".join(
            f"{weight:g}*({part})" if isinstance(part, Chain | Weighted) else f"{weight:g}*{part}"
            for weight, part in self.parts
        )


@dataclass(frozen=True)
class Reciprocal:
    """A reciprocal rank fusion."""

    parts: tuple[Node, ...]
    k: int = RANK_CONSTANT

    def __str__(self) -> str:
        constant = [] if self.k == RANK_CONSTANT else [f"k={self.k}"]
        return f"rrf({','.join([*map(str, self.parts), *constant])})"


@dataclass(frozen=True)
class Chain:
    """A ranking whose first passages others rank again."""

    stages: tuple[Node, ...]

    def __str__(self) -> str:
        return ">>".join(f"({s})" if isinstance(s, Chain) else f"{s}" for s in self.stages)


Node = Name | Expanded | Cut | Weighted | Reciprocal | Chain


def names(node: Node) -> Iterator[str]:
    """The names in an expression, from left to right; some may come again."""
    if isinstance(node, Name):
        yield node.name
    for part in parts_of(node):
        yield from names(part)


def parts_of(node: Node) -> tuple[Node, ...]:
    """What an expression joins, cuts or expands."""
    if isinstance(node, Name):
        return ()
    if isinstance(node, Cut | Expanded):
        return (node.part,)
    if isinstance(node, Weighted):
        return tuple(part for _, part in node.parts)
    return node.parts if isinstance(node, Reciprocal) else node.stages


def renamed(node: Node, rename: Callable[[str], str]) -> Node:
    """The expression with other names."""
    return replaced(node, lambda name: Name(rename(name)))


def replaced(node: Node, tree: Callable[[str], Node]) -> Node:
    """The expression with a tree in place of each name."""
    if isinstance(node, Name):
        return tree(node.name)
    if isinstance(node, Expanded):
        return Expanded(replaced(node.part, tree), node.way)
    if isinstance(node, Cut):
        return Cut(replaced(node.part, tree), node.count)
    if isinstance(node, Weighted):
        return Weighted(tuple((weight, replaced(part, tree)) for weight, part in node.parts))
    if isinstance(node, Reciprocal):
        return Reciprocal(tuple(replaced(part, tree) for part in node.parts), node.k)
    return Chain(tuple(replaced(stage, tree) for stage in node.stages))
