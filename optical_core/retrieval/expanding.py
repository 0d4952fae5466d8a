"""Searchers that expand another one's queries, by the sign in an expression."""

from __future__ import annotations

from optical_core.data.collection import Collection
from optical_core.errors import InputError
from optical_core.retrieval.bm25 import BM25, LiveBM25
from optical_core.retrieval.expansions import Prf, Rm3
from optical_core.retrieval.expressions import Expanded, Name, Node, parts_of
from optical_core.retrieval.late_interaction import LateInteraction
from optical_core.retrieval.model_names import model_and_source
from optical_core.retrieval.relevance_model import RelevanceModel
from optical_core.retrieval.searcher import Searcher
from optical_core.retrieval.structured_query import StructuredQueries
from optical_core.retrieval.terms import is_of
from optical_core.retrieval.token_feedback import TokenFeedback


def check_expansions(node: Node) -> None:
    """Check an expression before anything is opened, or even indexed, for it.

    Args:
        node: with the stored fusions in it written out.

    Raises:
        InputError: a part's queries can't be expanded in the way that it says.

    Examples:
        >>> from optical_core.retrieval.expression_reader import parse
        >>> check_expansions(parse("embedded+rm3"))
        Traceback (most recent call last):
        ...
        optical_core.errors.InputError: +rm3 expands BM25's queries, not those of embedded
    """
    if isinstance(node, Expanded):
        name = model_and_source(node.part.name)[0] if isinstance(node.part, Name) else ""
        of_bm25 = is_of(name, BM25.family)
        of_words = of_bm25 or is_of(name, StructuredQueries.family)
        if not name or not (of_bm25 if isinstance(node.way, Rm3) else not of_words):
            raise _refusal(node)
    for part in parts_of(node):
        check_expansions(part)


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
    raise _refusal(node)


def _refusal(node: Expanded) -> InputError:
    way = node.way
    needed = "BM25's queries" if isinstance(way, Rm3) else "queries of a model with token vectors"
    return InputError(f"+{way.sign} expands {needed}, not those of {node.part}")
