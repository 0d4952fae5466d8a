import tracemalloc

import pytest

from optical_core.data.collection import Passage
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.quantised import QuantisedIndex
from tests.benchmarks.memory import Noise

A_PASSAGE = 800
"""Bytes that a passage may cost while an index is made: its id and offset, not its vectors, which
are 8,192 here in fp16."""


@pytest.mark.slow
def test_making_an_index_takes_memory_for_ids_and_not_for_vectors(tmp_path):
    peaks = []
    for count in (2_000, 6_000):
        passages = (Passage(str(number), "", "text") for number in range(count))
        tracemalloc.start()
        index = build_index(tmp_path / str(count), passages, Noise())
        QuantisedIndex.open(index)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 4_000 * A_PASSAGE
