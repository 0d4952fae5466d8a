"""Pipelines: the searchers of expressions, put together from those of single models."""

from __future__ import annotations

from collections.abc import Callable

from optical_core.data.collection import Collection
from optical_core.retrieval.expanding import expanding
from optical_core.retrieval.expressions import Chain, Cut, Expanded, Name, Node, parts_of
from optical_core.retrieval.fused import Fused
from optical_core.retrieval.searcher import Searcher
from optical_core.retrieval.staged import Limited, Reranked, joined


def assembled(
    node: Node, leaf: Callable[[str], Searcher], collection: Collection | None = None
) -> Searcher:
    """Make the searcher of an expression.

    Args:
        node: from `parse`.
        leaf: opens a single model by its name.
        collection: the passages; only queries expanded by token vectors need it.

    Raises:
        InputError: a part's queries can't be expanded.

    Examples:
        >>> from optical_core.data.collection import Passage
        >>> from optical_core.retrieval.bm25 import BM25
        >>> from optical_core.retrieval.expression_reader import parse
        >>> passages = [Passage("p1", "", "salt of the sea"), Passage("p2", "", "dry salt")]
        >>> searcher = assembled(parse("rrf(a,b)"), lambda name: BM25(passages))
        >>> searcher.search("salt")
        [('p2', 32.7869), ('p1', 32.2581)]
    """
    if isinstance(node, Name):
        return leaf(node.name)
    if isinstance(node, Chain):
        *before, last = node.stages
        stages = [assembled(part, leaf, collection) for part in (joined(before), last)]
        return Reranked(node, *stages)
    parts = [assembled(part, leaf, collection) for part in parts_of(node)]
    if isinstance(node, Expanded):
        return expanding(node, parts[0], collection)
    return Limited(node, parts[0]) if isinstance(node, Cut) else Fused(node, parts)
