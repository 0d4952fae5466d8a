import numpy as np
import pytest
import torch

from optical_core.retrieval import centroid_kernel, centroids
from optical_core.retrieval.centroid_kernel import Grouped
from optical_core.retrieval.centroids import Centroids, sample_for, wanted
from tests.retrieval.test_codec import topical
from tests.retrieval.test_int8_kernel import compiled  # noqa: F401


@pytest.fixture
def in_groups(monkeypatch):
    monkeypatch.setattr(centroids, "FLAT", 8)


def distances(made, vectors):
    """Squared distance (T,) of vectors from the centroids that are found for them."""
    return (vectors - made.vectors[made.nearest(vectors)]).square().sum(1)


def test_centroids_in_groups_are_nearly_as_good_as_without(in_groups):
    vectors = topical(6000)
    made = Centroids.train(vectors, 128)
    assert made.whole
    assert len(made) == 128
    assert len(made.starts) - 1 == 16
    means = centroids._means(vectors, 128)
    assert distances(made, vectors).mean() < 1.1 * distances(Centroids(means), vectors).mean()


def test_the_nearest_centroid_is_nearly_always_found(in_groups):
    vectors = topical(6000)
    made = Centroids.train(vectors, 128)
    assert (made.nearest(vectors) == Centroids(made.vectors).nearest(vectors)).float().mean() > 0.95


@pytest.mark.parametrize("dimension", [5, 24])
def test_every_path_finds_the_same(dimension, compiled):  # noqa: F811
    made = Centroids(topical(200, dimension), torch.tensor([0, 3, 50, 51, 130, 200]))
    vectors = topical(1100, dimension, seed=1)
    grouped = Grouped.of(made.vectors, made.starts)
    expected = centroid_kernel.nearest(grouped, vectors, 3, path="torch")
    for path in compiled:
        found = centroid_kernel.nearest(grouped, vectors, 3, path=path)
        np.testing.assert_array_equal(found, expected, err_msg=path)
    assert len(centroid_kernel.nearest(grouped, vectors[:0], 3)) == 0


def test_vectors_that_are_all_the_same_have_centroids(in_groups):
    same = topical(1).repeat(400, 1)
    made = Centroids.train(same, 32)
    assert made.whole
    assert torch.isfinite(made.vectors).all()
    assert distances(made, same).max() < 1e-4


@pytest.mark.parametrize("members", [[100, 0, 300], [1, 1, 398], [400, 0, 0]])
def test_centroids_are_divided_like_the_members(members):
    shares = centroids._shares(np.array(members), 40)
    assert shares.sum() == 40
    assert ((shares > 0) == (np.array(members) > 0)).all()
    assert np.abs(shares - np.array(members) / 10).max() <= 2


def test_the_number_grows_with_the_root_of_the_vectors():
    assert wanted(1 << 20, 1 << 20) == 8192
    assert wanted(1 << 20, 1 << 22) == 16384
    assert wanted(1 << 20, 1 << 30) == centroids.MOST
    assert wanted(100, 100) == 8
    assert wanted(1, 1) == 1
    assert wanted(sample_for(1 << 27), 1 << 27) == wanted(1 << 27, 1 << 27)


@pytest.mark.parametrize("starts", [[0, 3], [1, 4], [0, 2, 2, 4], [0, 3, 2, 4]])
def test_groups_that_do_not_hold_all_centroids_are_told(starts):
    assert not Centroids(torch.eye(4), torch.tensor(starts)).whole
