import numpy as np
import pytest

from optical_core.retrieval import postings
from optical_core.retrieval.postings import Postings, nearest

PASSAGES, CENTROIDS, PROBED = 70_000, 50, 7
"""More passages than a window of the compiled code holds."""


@pytest.fixture(scope="module")
def known():
    """Vectors' centroids and the passages' offsets; some passages have no vectors."""
    draw = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(draw.integers(0, 5, PASSAGES))])
    return draw.integers(0, CENTROIDS, offsets[-1]).astype(np.uint16), offsets


@pytest.fixture(scope="module")
def made(known):
    return Postings.of(*known, CENTROIDS)


@pytest.fixture
def asked():
    """Products of the centroids with a query of 4 tokens."""
    return np.random.default_rng(1).standard_normal((CENTROIDS, 4)).astype(np.float32)


def test_postings_are_the_passages_near_each_centroid(known, made):
    numbers, offsets = known
    owners = np.repeat(np.arange(PASSAGES), np.diff(offsets))
    assert len(made.starts) == CENTROIDS + 1
    assert made.starts[-1] == len(made.passages)
    for centroid in (0, 7, CENTROIDS - 1):
        wanted = np.unique(owners[numbers == centroid])
        found = made.passages[made.starts[centroid] : made.starts[centroid + 1]]
        np.testing.assert_array_equal(found, wanted)


def test_the_nearest_centroids_come_first(asked, monkeypatch):
    numbers, values = nearest(asked, PROBED)
    np.testing.assert_array_equal(values, -np.sort(-asked.T, axis=1)[:, :PROBED])
    np.testing.assert_array_equal(np.take_along_axis(asked.T, numbers, 1), values)
    monkeypatch.setattr(postings, "library", lambda: None)
    for ours, theirs in zip((numbers, values), nearest(asked, PROBED), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_passage_gains_by_its_best_probed_centroid_over_the_last(known, made, asked):
    numbers, offsets = known
    probes, values = nearest(asked, PROBED)
    positions, sums = made.best(probes, values - values[:, -1:], PASSAGES, PASSAGES)
    gained = dict(zip(positions.tolist(), sums.tolist(), strict=True))
    for passage in range(0, PASSAGES, 1000):
        near = asked[numbers[offsets[passage] : offsets[passage + 1]]]
        best = near.max(0) if len(near) else values[:, -1]
        wanted = np.maximum(best - values[:, -1], 0).sum()
        assert gained.get(passage, 0) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("share", [None, 0.3])
@pytest.mark.parametrize("wanted", [1, 100, 5000])
def test_the_largest_sums_are_among_those_that_come(made, asked, wanted, share, monkeypatch):
    allowed = None if share is None else np.random.default_rng(2).random(PASSAGES) < share
    probes, values = nearest(asked, PROBED)
    gains = values - values[:, -1:]
    found = dict(zip(*made.best(probes, gains, wanted, PASSAGES, allowed), strict=True))
    monkeypatch.setattr(postings, "library", lambda: None)
    every = dict(zip(*made.best(probes, gains, wanted, PASSAGES, allowed), strict=True))
    assert all(every[passage] == total for passage, total in found.items())
    least = sorted(every.values(), reverse=True)[wanted - 1]
    assert {p for p, total in every.items() if total >= least} <= found.keys()
    assert wanted <= len(found) <= len(every)
    if wanted == 1:
        assert len(found) < len(every) / 4
