import numpy as np
import pytest

from optical_core.errors import InputError
from optical_core.retrieval import candidates
from optical_core.retrieval.candidates import build_candidates, recall, search_candidates
from optical_core.retrieval.token_index import TokenIndex


@pytest.fixture
def index(tmp_path):
    """2,000 passages of 8-16 tokens around shared topics, as an index in memory."""
    generator = np.random.default_rng(0)
    topics = generator.standard_normal((60, 32))
    lengths = generator.integers(8, 17, 2000)
    picks = generator.integers(0, 60, lengths.sum())
    vectors = topics[picks] + 0.6 * generator.standard_normal((lengths.sum(), 32))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = tuple(f"p{number}" for number in range(2000))
    return TokenIndex(tmp_path, "e", "h", 32, ids, offsets, vectors.astype(np.float16))


def queries(index, count=40):
    generator = np.random.default_rng(1)
    found = []
    for _ in range(count):
        noise = 0.3 * generator.standard_normal((6, 32)) / np.sqrt(32)
        query = index.vectors[generator.integers(0, len(index.vectors), 6)].astype(np.float32)
        query = query + noise
        found.append((query / np.linalg.norm(query, axis=1, keepdims=True)).astype(np.float32))
    return found


def test_candidates_keep_nearly_all_of_the_exact_top_and_its_scores(index):
    build_candidates(index)
    assert recall(index, queries(index)) > 0.9
    for query in queries(index, 5):
        exact = dict(index.search(query, top=2000))
        found = search_candidates(index, query, top=10)
        assert len(found) == 10
        assert [score for _, score in found] == sorted((s for _, s in found), reverse=True)
        for identifier, score in found:
            assert score == pytest.approx(exact[identifier], abs=1e-5)


def test_fewer_candidates_lose_recall_and_it_is_measured(index, monkeypatch):
    build_candidates(index)
    plenty = recall(index, queries(index))
    monkeypatch.setattr(candidates, "search_candidates", lambda i, q, top: search_candidates(
        i, q, top=top, candidates=10, neighbours=4))  # fmt: skip
    assert recall(index, queries(index)) < plenty


def test_without_lists_with_old_or_damaged_ones_it_says_so(index):
    query = queries(index, 1)[0]
    with pytest.raises(InputError, match="no candidate lists"):
        search_candidates(index, query)
    path = build_candidates(index)
    shorter = TokenIndex(
        index.folder, "e", "h", 32, index.ids[:9], index.offsets[:10], index.vectors[:50]
    )
    with pytest.raises(InputError, match="another version"):
        search_candidates(shorter, query)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="damaged"):
        search_candidates(index, query)


def test_small_indexes_and_empty_queries_work(index):
    small = TokenIndex(
        index.folder,
        "e",
        "h",
        32,
        index.ids[:3],
        index.offsets[:4],
        index.vectors[: index.offsets[3]],
    )
    build_candidates(small)
    query = queries(index, 1)[0]
    assert dict(search_candidates(small, query)) == pytest.approx(dict(small.search(query)))
    assert search_candidates(small, np.zeros((0, 32), np.float32)) == []
