import dataclasses

import numpy as np
import pytest

from optical_core.errors import InputError
from optical_core.retrieval import (
    candidates,
    int8_kernel,
    packed_tokens,
    quantised,
    token_lists,
)
from optical_core.retrieval.candidates import CandidateIndex
from optical_core.retrieval.modes import open_mode
from optical_core.retrieval.quantised import QuantisedIndex
from optical_core.retrieval.recall import queries_of, recall

APPROXIMATE = ["int8", "candidates", "lists"]


def cut(index, passages):
    """The index of the first passages."""
    tokens = index.offsets[passages]
    return dataclasses.replace(
        index,
        ids=index.ids[:passages],
        offsets=index.offsets[: passages + 1],
        vectors=index.vectors[:tokens],
    )


@pytest.fixture
def few_candidates(monkeypatch):
    monkeypatch.setattr(candidates, "candidates", lambda _: 150)
    monkeypatch.setattr(token_lists, "CANDIDATES", 150)


@pytest.mark.parametrize("mode", APPROXIMATE)
def test_a_mode_keeps_nearly_all_of_the_exact_top_and_its_scores(
    topical_index, mode, monkeypatch, few_candidates
):
    monkeypatch.setattr("optical_core.retrieval.recall.LEAST_RECALL", 0.0)
    store = open_mode(topical_index, mode)
    assert store.mode == mode
    queries = queries_of(topical_index, seed=7, count=20)
    assert recall(topical_index, store, queries) > (0.99 if mode == "int8" else 0.8)
    for query in queries[:5]:
        exact = dict(topical_index.search(query, top=600))
        for top in (10, 100):
            found = store.search(query, top=top)
            assert len(found) == top
            assert [score for _, score in found] == sorted((s for _, s in found), reverse=True)
            for identifier, score in found:
                assert score == pytest.approx(exact[identifier], abs=2e-4)


@pytest.mark.parametrize("mode", APPROXIMATE)
def test_without_a_compiler_rankings_are_the_same(topical_index, mode, monkeypatch, few_candidates):
    monkeypatch.setattr("optical_core.retrieval.recall.LEAST_RECALL", 0.0)
    queries = queries_of(topical_index, seed=7, count=5)
    compiled = open_mode(topical_index, mode).search_many(queries)
    monkeypatch.setattr(int8_kernel, "library", lambda: None)
    assert open_mode(topical_index, mode).search_many(queries) == compiled


@pytest.mark.parametrize("mode", APPROXIMATE)
def test_small_indexes_empty_passages_and_empty_queries_work(topical_index, mode):
    small = cut(topical_index, 3)
    small = dataclasses.replace(
        small, ids=(*small.ids, "empty"), offsets=np.append(small.offsets, small.offsets[-1])
    )
    store = open_mode(small, mode)
    (query,) = queries_of(small, seed=7, count=1)
    found = store.search(query)
    assert dict(found) == pytest.approx(dict(small.search(query)), abs=2e-4)
    assert dict(found)["empty"] == 0
    assert store.search(np.zeros((0, 32), np.float32)) == []


def test_an_index_without_tokens_is_searched_exactly(topical_index):
    empty = dataclasses.replace(
        topical_index, ids=("a",), offsets=np.zeros(2, np.int64), vectors=np.zeros((0, 32), "f2")
    )
    assert open_mode(empty, "candidates") is empty


@pytest.mark.parametrize(
    ("opened", "name"),
    [
        ("int8", quantised.FILE),
        ("candidates", candidates.FILE),
        ("lists", token_lists.FILE),
        ("lists", token_lists.FACTS),
    ],
)
def test_files_are_kept_and_made_again_when_stale_or_damaged(topical_index, opened, name, caplog):
    caplog.set_level("INFO")
    path = topical_index.folder / name
    (query,) = queries_of(topical_index, seed=7, count=1)

    def found(index):
        return open_mode(index, opened).search(query)

    first = found(topical_index)
    content, stamp = path.read_bytes(), path.stat().st_mtime_ns
    assert found(topical_index) == first
    assert path.stat().st_mtime_ns == stamp
    for damaged in (content[:-7], b"\xff" * 64):
        caplog.clear()
        path.write_bytes(damaged)
        assert found(topical_index) == first
        assert "is damaged" in caplog.text
        assert path.stat().st_size == len(content)
    caplog.clear()
    shorter = cut(topical_index, 300)
    assert dict(found(shorter)) == pytest.approx(dict(shorter.search(query)), abs=2e-4)
    assert "of other vectors" in caplog.text
    assert not [p for p in topical_index.folder.iterdir() if p.name.startswith(f".{name}")]


def test_changed_vectors_of_the_same_shape_are_noticed(topical_index):
    QuantisedIndex.open(topical_index)
    other = dataclasses.replace(topical_index, vectors=-topical_index.vectors)
    blocks = QuantisedIndex.open(other).tokens.blocks
    np.testing.assert_array_equal(blocks, int8_kernel.pack(_fp32(other)))


def test_8_bit_vectors_are_memory_mapped_and_state_their_recall(topical_index):
    made = QuantisedIndex.open(topical_index)
    opened = QuantisedIndex.open(topical_index)
    assert made.recall == pytest.approx(opened.recall, abs=1e-4)
    assert opened.recall > 0.99
    np.testing.assert_array_equal(opened.tokens.blocks, int8_kernel.pack(_fp32(topical_index)))


def test_candidates_keep_unit_means_of_eight_neighbours_of_a_passage(topical_index):
    store = CandidateIndex.open(QuantisedIndex.open(topical_index))
    pooled = store.pooled
    assert pooled.offsets[-1] < 0.3 * len(topical_index.vectors)
    (query,) = queries_of(topical_index, seed=7, count=1)
    found = pooled.scores(query, np.arange(len(topical_index)))
    for position in (0, 7, len(topical_index) - 1):
        tokens = topical_index.passage_vectors(topical_index.ids[position])
        means = np.stack([tokens[at : at + 8].mean(0) for at in range(0, len(tokens), 8)])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        assert found[position] == pytest.approx((query @ means.T).max(1).sum(), abs=0.05)


def test_a_file_of_an_older_form_is_made_again(topical_index, monkeypatch, caplog):
    caplog.set_level("INFO")
    with monkeypatch.context() as older:
        older.setattr(packed_tokens, "FORMAT", "1")
        QuantisedIndex.open(topical_index)
    assert "older form" not in caplog.text
    QuantisedIndex.open(topical_index)
    assert "older form: made again" in caplog.text


def test_where_recall_is_low_a_more_exact_mode_searches(topical_index, monkeypatch, caplog):
    monkeypatch.setattr(candidates, "candidates", lambda _: 12)
    made = open_mode(topical_index, "candidates")
    assert made.mode == "int8"
    assert "searched in mode int8" in caplog.text
    lists = CandidateIndex.open(made)
    assert lists.recall < 0.99
    measured = recall(topical_index, lists, queries_of(topical_index, seed=1))
    assert lists.recall == pytest.approx(measured, abs=1e-4)
    monkeypatch.setattr("optical_core.retrieval.recall.LEAST_RECALL", 1.1)
    assert open_mode(topical_index, "int8") is topical_index


def test_a_mode_that_there_is_not_is_refused(topical_index):
    with pytest.raises(InputError, match="no search mode 'fast'"):
        open_mode(topical_index, "fast")


def _fp32(index):
    import torch

    return torch.from_numpy(index.vectors.astype(np.float32))
