import numpy as np
import pytest

from optical_core.retrieval import pooling
from optical_core.retrieval.pooling import cluster_means


def unit_vectors(count, seed=0):
    """Vectors (m, 16) around five topics."""
    draw = np.random.default_rng(seed)
    vectors = draw.standard_normal((5, 16))[draw.integers(0, 5, count)]
    vectors = (vectors + 0.5 * draw.standard_normal((count, 16))).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("factor", [2, 3, 8])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 32, 200])
def test_the_clusters_are_those_of_sentence_transformers(count, factor, monkeypatch):
    assert pooling.library() is not None
    vectors = unit_vectors(count)
    ours = cluster_means(vectors, factor)
    monkeypatch.setattr(pooling, "library", lambda: None)
    theirs = cluster_means(vectors, factor)
    assert ours.shape == theirs.shape == (max(1, count // factor), 16)
    ours, theirs = (found[np.lexsort(found.T[::-1].round(4))] for found in (ours, theirs))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_equal_vectors_and_opposite_ones_have_means_of_unit_length_or_none():
    same = np.repeat(unit_vectors(1), 4, axis=0)
    np.testing.assert_allclose(cluster_means(same, 2), same[:2], atol=1e-6)
    opposite = np.concatenate([same[:1], -same[:1]])
    np.testing.assert_array_equal(cluster_means(opposite, 2), np.zeros((1, 16)))
