"""The ways to search a token index, all with exact MaxSim's scores.

By name:

    exact         every passage in fp32: the ground truth, for evaluation
    int8          every passage in 8 bits, the best again in fp32
    candidates    every passage by means of its tokens, the best in 8 bits, then in fp32
    lists         passages found in FAISS's inverted lists in 8 bits, the best again in fp32
"""

from __future__ import annotations

import logging

from optical_core.errors import InputError
from optical_core.retrieval.candidates import CandidateIndex
from optical_core.retrieval.quantised import QuantisedIndex
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.token_lists import ListedIndex
from optical_core.retrieval.vector_store import VectorStore

logger = logging.getLogger(__name__)

MODES = ("exact", "int8", "candidates", "lists")
_SELECTIVE: dict[str, type[CandidateIndex] | type[ListedIndex]] = {
    "candidates": CandidateIndex,
    "lists": ListedIndex,
}
LEAST_RECALL = 0.99
"""Below it an approximate search gives way to the next more exact one."""


def check_mode(mode: str) -> None:
    """Raise InputError for a mode that there isn't."""
    if mode not in MODES:
        raise InputError(f"there is no search mode {mode!r}; choose one of {', '.join(MODES)}")


def open_mode(index: TokenIndex, mode: str) -> VectorStore:
    """What searches `index` in a mode; its files are made where they are missing or outdated.

    Where the recall that was measured then is below .99, a more exact mode takes its place.
    """
    check_mode(mode)
    if mode == "exact":
        return index
    if not len(index.vectors):
        return index
    quantised = QuantisedIndex.open(index)
    if mode in _SELECTIVE:
        selective = _SELECTIVE[mode].open(quantised)
        if selective.recall >= LEAST_RECALL:
            return selective
        _gives_way(index, mode, selective.recall, "int8")
    if quantised.recall >= LEAST_RECALL:
        return quantised
    _gives_way(index, "8-bit vectors", quantised.recall, "exact")
    return index


def _gives_way(index: TokenIndex, tried: str, recall: float, mode: str) -> None:
    logger.warning(
        "%s of %s keep only %.1f%% of the exact top 10: searched in mode %s",
        tried,
        index.folder,
        100 * recall,
        mode,
    )
