"""Retrieval: searchers, stores of token vectors, MaxSim, BM25, and explanations of scores."""

from typing import TYPE_CHECKING

from optical_core.lazy import lazy_names

if TYPE_CHECKING:
    from optical_core.retrieval.bm25 import BM25
    from optical_core.retrieval.compression import Compression
    from optical_core.retrieval.expansions import Prf, Rm3
    from optical_core.retrieval.explain import Share, TokenMatch, token_matches
    from optical_core.retrieval.expression_reader import parse
    from optical_core.retrieval.glossed import Glossed, Glosses
    from optical_core.retrieval.indexing import build_index, compress_index
    from optical_core.retrieval.late_interaction import LateInteraction
    from optical_core.retrieval.live_index import LiveIndex
    from optical_core.retrieval.maxsim import maxsim_scores
    from optical_core.retrieval.modes import MODES
    from optical_core.retrieval.searcher import Query, Searcher
    from optical_core.retrieval.searchers import open_searcher
    from optical_core.retrieval.structured_query import StructuredQueries
    from optical_core.retrieval.token_index import TokenIndex
    from optical_core.retrieval.updating import compact_index, delete_from_index, update_index
    from optical_core.retrieval.vector_store import VectorStore
    from optical_core.retrieval.vector_stores import open_store

__all__ = [
    "BM25",
    "MODES",
    "Compression",
    "Glossed",
    "Glosses",
    "LateInteraction",
    "LiveIndex",
    "Prf",
    "Query",
    "Rm3",
    "Searcher",
    "Share",
    "StructuredQueries",
    "TokenIndex",
    "TokenMatch",
    "VectorStore",
    "build_index",
    "compact_index",
    "compress_index",
    "delete_from_index",
    "maxsim_scores",
    "open_searcher",
    "open_store",
    "parse",
    "token_matches",
    "update_index",
]

__getattr__ = lazy_names(__name__, __file__)
