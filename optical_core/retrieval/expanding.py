"""Searchers that expand another one's queries, by the sign in an expression."""

from __future__ import annotations

from optical_core.data.collection import Collection
from optical_core.errors import InputError
from optical_core.retrieval.bm25 import LiveBM25
from optical_core.retrieval.expansions import Prf, Rm3
from optical_core.retrieval.expressions import Expanded
from optical_core.retrieval.late_interaction import LateInteraction
from optical_core.retrieval.relevance_model import RelevanceModel
from optical_core.retrieval.searcher import Searcher
from optical_core.retrieval.token_feedback import TokenFeedback


def expanding(node: Expanded, searcher: Searcher, collection: Collection | None) -> Searcher:
    """Expand a searcher's queries.

    Args:
        node: says how.
        searcher: of the expression's part.
        collection: the passages, for +prf.

    Raises:
        InputError: its queries can't be expanded in this way.

    Examples:
        >>> from optical_core.data import open_collection
        >>> from optical_core.retrieval.expressions import Name
        >>> demo = open_collection("demo")
        >>> expanding(Expanded(Name("bm25"), Rm3()), LiveBM25(demo), demo).name
        'bm25+rm3'
    """
    core, way = searcher.core, node.way
    if isinstance(way, Rm3) and isinstance(core, LiveBM25):
        return RelevanceModel(str(node), searcher, core, way)
    if isinstance(way, Prf) and isinstance(core, LateInteraction) and collection:
        return TokenFeedback(str(node), searcher, core, collection, way)
    needed = "BM25's queries" if isinstance(way, Rm3) else "queries of a model with token vectors"
    raise InputError(f"+{way.sign} expands {needed}, not those of {node.part}")
