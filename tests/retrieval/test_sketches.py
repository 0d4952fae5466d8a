import dataclasses

import numpy as np
import pytest
import torch

from optical_core.retrieval import sketches
from optical_core.retrieval.codec import Codec
from optical_core.retrieval.maxsim import maxsim_scores
from optical_core.retrieval.packed_vectors import PackedVectors
from optical_core.retrieval.recall import queries_of
from optical_core.retrieval.residual_kernel import to_blocks
from optical_core.retrieval.sketches import sketched


@pytest.fixture
def compressed(topical_index):
    vectors = torch.from_numpy(topical_index.vectors.astype(np.float32))

    def compress(directions=None):
        codec = Codec.train(vectors, bits=4, directions=directions)
        packed = PackedVectors(codec, to_blocks(codec.encode(vectors), 4), len(vectors))
        return dataclasses.replace(topical_index, vectors=packed)

    return compress


def correlation(index, made):
    """Of the sketches' scores of all passages with the exact ones, the least of five queries."""
    owners = torch.from_numpy(np.repeat(np.arange(600), np.diff(index.offsets)))
    tokens, found = torch.from_numpy(np.asarray(index.vectors[:], np.float32)), []
    for query in queries_of(index, seed=7, count=5):
        scores = made.maxsim(query, index.offsets[:-1], index.offsets[1:])
        (exact,) = maxsim_scores([torch.from_numpy(query)], tokens, owners, 600)
        found.append(np.corrcoef(scores, exact)[0, 1])
    return min(found)


@pytest.mark.parametrize("directions", [None, 20])
def test_sketches_of_compressed_vectors_share_their_centroids(compressed, directions, monkeypatch):
    monkeypatch.setattr(sketches, "DIRECTIONS", 12)
    monkeypatch.setattr(sketches, "_ROWS", 4096)
    index = compressed(directions)
    made = sketched(index)
    assert made.codec.centroids is index.vectors.codec.centroids
    assert made.codec.record_bytes == 4 + 12 * 2 // 8
    np.testing.assert_array_equal(made.numbers(), index.vectors.numbers())
    assert correlation(index, made) > 0.9


def test_plain_vectors_get_centroids_of_their_own(topical_index, monkeypatch):
    monkeypatch.setattr(sketches, "DIRECTIONS", 12)
    monkeypatch.setattr(sketches, "_ROWS", 4096)
    made = sketched(topical_index)
    assert made.shape == topical_index.vectors.shape
    assert len(made.codec.centroids) == 512
    assert correlation(topical_index, made) > 0.9


def test_more_directions_than_there_are_do_no_harm(topical_index, compressed):
    for index in (topical_index, compressed(20)):
        assert correlation(index, sketched(index)) > 0.98
