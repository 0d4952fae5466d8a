"""Modes: the ways to search a token index. All return exact MaxSim scores.

exact         scores every passage in fp32: the ground truth, for evaluation
int8          scores every passage in 8 bits, and the best again in fp32
candidates    scores every passage by means of its tokens, the best in 8 bits, then in fp32; in a
              large or compressed index, chooses passages by centroids, without reading the others
lists         scores passages from FAISS's inverted lists in 8 bits, and the best in fp32
"""

from __future__ import annotations

import logging

from optical_core.errors import InputError
from optical_core.retrieval.candidates import FILE as CANDIDATES_FILE
from optical_core.retrieval.candidates import CandidateIndex
from optical_core.retrieval.centroid_lists import FILE as CENTROIDS_FILE
from optical_core.retrieval.centroid_lists import CentroidIndex
from optical_core.retrieval.packed_vectors import PackedVectors
from optical_core.retrieval.quantised import FILE as INT8_FILE
from optical_core.retrieval.quantised import QuantisedIndex
from optical_core.retrieval.recall import Approximation
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.token_lists import FILE as LISTS_FILE
from optical_core.retrieval.token_lists import ListedIndex
from optical_core.retrieval.vector_store import Segment

logger = logging.getLogger(__name__)

MODES = ("exact", "int8", "candidates", "lists")
_SELECTIVE = ("candidates", "lists")
MODE_FILES = {
    "int8": (INT8_FILE,),
    "candidates": (CANDIDATES_FILE, CENTROIDS_FILE),
    "lists": (LISTS_FILE,),
}
"""Mode -> the files that it may keep in the folder of an index."""
LARGE = 25_000
"""Passages that an index must have, for each time the fewest candidates that centroids choose, so
that these take less time than the means of all passages."""


def check_mode(mode: str) -> None:
    """Check the name of a mode.

    Raises:
        InputError: there is no such mode.
    """
    if mode not in MODES:
        raise InputError(f"there is no search mode {mode!r}; choose one of {', '.join(MODES)}")


def open_mode(index: TokenIndex, mode: str) -> Segment:
    """Open an index in a mode. The mode's files are made if they are missing or outdated.

    If its measured recall is below its `least`, a more exact mode is opened instead.

    Raises:
        InputError: there is no such mode.
    """
    check_mode(mode)
    if mode == "exact":
        return index
    if not len(index.vectors):
        return index
    quantised = QuantisedIndex.open(index)
    if mode in _SELECTIVE:
        selective = _selective(mode, quantised)
        if selective.recall >= selective.least:
            return selective
        _gives_way(index, mode, selective.recall, "int8")
    if quantised.recall >= quantised.least:
        return quantised
    _gives_way(index, "8-bit vectors", quantised.recall, "exact")
    return index


def _selective(mode: str, quantised: QuantisedIndex) -> Approximation:
    if mode == "lists":
        return ListedIndex.open(quantised)
    index = quantised.index
    if isinstance(index.vectors, PackedVectors):
        return CentroidIndex.open(quantised)
    if len(index) >= LARGE:
        chosen = CentroidIndex.open(quantised)
        if chosen.recall >= chosen.least and len(index) >= LARGE * chosen.factor:
            return chosen
    return CandidateIndex.open(quantised)


def _gives_way(index: TokenIndex, tried: str, recall: float, mode: str) -> None:
    logger.warning(
        "%s of %s keep only %.1f%% of the exact top 10: searched in mode %s",
        tried,
        index.folder,
        100 * recall,
        mode,
    )
