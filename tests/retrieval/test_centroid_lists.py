import dataclasses

import numpy as np
import pytest
import torch

from optical_core.retrieval import centroid_lists, modes, postings
from optical_core.retrieval.candidates import FILE, CandidateIndex
from optical_core.retrieval.centroid_lists import CentroidIndex
from optical_core.retrieval.codec import Codec
from optical_core.retrieval.compression import Compression
from optical_core.retrieval.modes import open_mode
from optical_core.retrieval.packed_vectors import PackedVectors
from optical_core.retrieval.quantised import QuantisedIndex
from optical_core.retrieval.recall import queries_of, recall
from optical_core.retrieval.residual_kernel import to_blocks


@pytest.fixture
def compressed(topical_index):
    """600 passages around shared topics, in 4 bits."""
    vectors = torch.from_numpy(topical_index.vectors.astype(np.float32))
    codec = Codec.train(vectors, bits=4)
    blocks = to_blocks(codec.encode(vectors), 4)
    packed = PackedVectors(codec, blocks, len(vectors))
    return dataclasses.replace(topical_index, vectors=packed, compression=Compression(bits=4))


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(centroid_lists, "candidates", lambda _: 100)


def test_candidates_keep_nearly_all_of_the_exact_top_and_its_scores(compressed, few):
    store = open_mode(compressed, "candidates")
    assert isinstance(store, CentroidIndex)
    queries = queries_of(compressed, seed=7, count=20)
    assert recall(compressed, store, queries) > 0.95
    for query in queries[:5]:
        exact = dict(compressed.search(query, top=600))
        for top in (10, 100):
            found = store.search(query, top=top)
            assert len(found) == top
            for identifier, score in found:
                assert score == pytest.approx(exact[identifier], abs=2e-4)


def test_a_large_index_takes_candidates_from_centroids_and_a_small_one_from_means(
    topical_index, few, monkeypatch
):
    monkeypatch.setattr(modes, "LARGE", 1)
    store = open_mode(topical_index, "candidates")
    assert isinstance(store, CentroidIndex)
    queries = queries_of(topical_index, seed=7, count=20)
    assert recall(topical_index, store, queries) > 0.95
    exact = dict(topical_index.search(queries[0], top=600))
    for identifier, score in store.search(queries[0]):
        assert score == pytest.approx(exact[identifier], abs=2e-4)
    monkeypatch.setattr(modes, "LARGE", len(topical_index.ids) // store.factor + 1)
    assert isinstance(open_mode(topical_index, "candidates"), CandidateIndex)


def test_means_take_the_place_of_centroids_that_keep_too_little(
    topical_index, few, monkeypatch, caplog
):
    caplog.set_level("INFO")
    monkeypatch.setattr(modes, "LARGE", 1)
    monkeypatch.setattr(centroid_lists, "ENOUGH", {0: 1.1})
    assert isinstance(open_mode(topical_index, "candidates"), CandidateIndex)
    caplog.clear()
    assert isinstance(open_mode(topical_index, "candidates"), CandidateIndex)
    assert "made again" not in caplog.text
    assert "keeps" not in caplog.text


def test_recall_is_measured_on_queries_that_no_single_passage_answers(compressed):
    own = queries_of(compressed, seed=7, count=8)
    blended = centroid_lists._blended(own)
    assert len(blended) == len(own)
    assert sum(map(len, blended)) == sum(map(len, own))
    for number, query in enumerate(blended):
        for token in query:
            sources = [n for n, whole in enumerate(own) if (whole == token).all(1).any()]
            assert {(source - number) % 8 for source in sources} <= {0, 1, 2}


def test_without_a_compiler_the_rankings_are_the_same(compressed, few, monkeypatch):
    store = CentroidIndex.open(QuantisedIndex.open(compressed))
    queries = queries_of(compressed, seed=7, count=5)
    rankings = store.search_many(queries)
    monkeypatch.setattr(postings, "library", lambda: None)
    assert store.search_many(queries) == rankings


def test_more_candidates_are_scored_where_few_do_not_keep_enough(compressed, monkeypatch, caplog):
    monkeypatch.setattr(centroid_lists, "candidates", lambda _: 12)
    made = CentroidIndex.open(QuantisedIndex.open(compressed))
    assert made.factor == centroid_lists.FACTORS[-1]
    assert made.recall < 0.99
    assert open_mode(compressed, "candidates").mode == "int8"
    assert "searched in mode int8" in caplog.text
    monkeypatch.setattr(centroid_lists, "ENOUGH", {0: 0.0})
    opened = open_mode(compressed, "candidates")
    assert (opened.factor, opened.recall) == (made.factor, pytest.approx(made.recall, abs=1e-4))


@pytest.mark.parametrize("allowed", [3, 150, 400])
def test_of_the_passages_that_may_be_found_the_best_come_back(compressed, few, allowed):
    store = CentroidIndex.open(QuantisedIndex.open(compressed))
    positions = np.sort(np.random.default_rng(0).permutation(600)[:allowed])
    queries = queries_of(compressed, seed=7, count=5)
    exact = compressed.search_at(queries, 10, positions)
    shares = []
    for best, found in zip(exact, store.search_at(queries, 10, positions), strict=True):
        assert len(found) == min(10, allowed)
        assert {name for name, _ in found} <= {compressed.ids[place] for place in positions}
        shares.append(len(dict(best).keys() & dict(found).keys()) / len(best))
    assert np.mean(shares) > 0.9


def test_postings_are_kept_and_made_again_when_stale_or_damaged(compressed, few, caplog):
    caplog.set_level("INFO")
    path = compressed.folder / FILE
    first = CentroidIndex.open(QuantisedIndex.open(compressed))
    stamp = path.stat().st_mtime_ns
    again = CentroidIndex.open(QuantisedIndex.open(compressed))
    np.testing.assert_array_equal(again.postings.passages, first.postings.passages)
    assert path.stat().st_mtime_ns == stamp
    path.write_bytes(path.read_bytes()[:-7])
    CentroidIndex.open(QuantisedIndex.open(compressed))
    assert "is damaged" in caplog.text
    decoded = compressed.vectors[::-1].copy()
    codec = compressed.vectors.codec
    blocks = to_blocks(codec.encode(torch.from_numpy(decoded)), codec.bits)
    other = dataclasses.replace(
        compressed, vectors=PackedVectors(codec, blocks, len(compressed.vectors))
    )
    CentroidIndex.open(QuantisedIndex.open(other))
    assert "of other vectors" in caplog.text
