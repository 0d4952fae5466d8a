from types import SimpleNamespace

import numpy as np
import pytest
import torch

from optical_core.errors import InputError
from optical_core.retrieval import int8_kernel


def random_passages(dimension, *, count=150, seed=0):
    """Rows, begins and ends of passages of 0 to 22 tokens, one token of zeros among them."""
    generator = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(generator.integers(0, 23, count))])
    vectors = generator.standard_normal((offsets[-1], dimension)).astype(np.float32)
    vectors[3] = 0
    return vectors, offsets[:-1].copy(), offsets[1:].copy()


def random_query(dimension, tokens, seed=1):
    return np.random.default_rng(seed).standard_normal((tokens, dimension)).astype(np.float32)


@pytest.fixture
def compiled():
    """The paths of the compiled library that this processor has."""
    pytest.importorskip("cffi")
    found = int8_kernel.library()
    if found is None:
        pytest.skip("no C compiler")
    return int8_kernel.PATHS[: found[1].optical_best_path() + 1]


@pytest.mark.parametrize("dimension", [5, 32, 384, 1100])
def test_every_path_gives_torchs_very_scores(compiled, dimension):
    vectors, begins, ends = random_passages(dimension)
    blocks = int8_kernel.pack(torch.from_numpy(vectors))
    for tokens in (1, 8, 9, 17, 33, 70):
        query = random_query(dimension, tokens)
        expected = int8_kernel.maxsim(blocks, begins, ends, query, path="torch")
        for path in compiled:
            found = int8_kernel.maxsim(blocks, begins, ends, query, path=path)
            np.testing.assert_array_equal(found, expected, err_msg=f"{path}, {tokens} tokens")


def test_scores_are_near_those_of_fp32():
    vectors, begins, ends = random_passages(64)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    query = random_query(64, 6)
    query /= np.linalg.norm(query, axis=1, keepdims=True)
    blocks = int8_kernel.pack(torch.from_numpy(vectors))
    found = int8_kernel.maxsim(blocks, begins, ends, query)
    expected = [
        (query @ vectors[begin:end].T).max(1).sum() if end > begin else 0.0
        for begin, end in zip(begins, ends, strict=True)
    ]
    np.testing.assert_allclose(found, expected, atol=0.03)
    assert (found[begins == ends] == 0).all()
    assert (begins == ends).any()


def test_negative_similarities_stay_negative(compiled):
    vectors = -np.abs(random_query(12, 9))
    query = np.abs(random_query(12, 3, seed=2))
    blocks = int8_kernel.pack(torch.from_numpy(vectors))
    begins, ends = np.array([0, 1]), np.array([1, 9])
    for path in (*compiled, "torch"):
        assert (int8_kernel.maxsim(blocks, begins, ends, query, path=path) < 0).all()


def test_the_largest_products_do_not_overflow(compiled):
    ones = np.ones((2, 1040), np.float32)
    blocks = int8_kernel.pack(torch.from_numpy(ones))
    for path in (*compiled, "torch"):
        found = int8_kernel.maxsim(blocks, np.array([0]), np.array([2]), -ones, path=path)
        np.testing.assert_allclose(found, [-2080], rtol=1e-6)


def test_passages_may_come_in_any_order_and_share_blocks(compiled):
    vectors, begins, ends = random_passages(36)
    blocks = int8_kernel.pack(torch.from_numpy(vectors))
    query = random_query(36, 10)
    order = np.random.default_rng(2).permutation(len(begins))[:100]
    for path in (*compiled, "torch"):
        whole = int8_kernel.maxsim(blocks, begins, ends, query, path=path)
        some = int8_kernel.maxsim(blocks, begins[order], ends[order], query, path=path)
        np.testing.assert_array_equal(some, whole[order], err_msg=path)


def test_a_query_without_tokens_scores_nothing(compiled):
    vectors, begins, ends = random_passages(20)
    blocks = int8_kernel.pack(torch.from_numpy(vectors))
    for path in (*compiled, "torch"):
        found = int8_kernel.maxsim(blocks, begins, ends, random_query(20, 0), path=path)
        np.testing.assert_array_equal(found, 0)


def test_threads_change_nothing(compiled, monkeypatch):
    vectors, begins, ends = random_passages(24, count=1500)
    blocks = int8_kernel.pack(torch.from_numpy(vectors))
    query = random_query(24, 5)
    results = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        results.append(int8_kernel.maxsim(blocks, begins, ends, query))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize("path", ["vnni", "fastest"])
def test_a_path_that_the_processor_lacks_is_refused(compiled, monkeypatch, path):
    """Its instructions would end the process."""
    ffi, library = int8_kernel.library()
    lacking = SimpleNamespace(optical_best_path=lambda: 0, optical_maxsim=library.optical_maxsim)
    monkeypatch.setattr(int8_kernel, "library", lambda: (ffi, lacking))
    vectors, begins, ends = random_passages(8, count=20)
    blocks = int8_kernel.pack(torch.from_numpy(vectors))
    with pytest.raises(InputError, match=f"path '{path}': this processor has portable"):
        int8_kernel.maxsim(blocks, begins, ends, random_query(8, 3), path=path)
    monkeypatch.setattr(int8_kernel, "library", lambda: None)
    with pytest.raises(InputError, match=f"path '{path}': this processor has torch"):
        int8_kernel.maxsim(blocks, begins, ends, random_query(8, 3), path=path)


def test_without_the_library_torch_scores(monkeypatch):
    monkeypatch.setattr(int8_kernel, "library", lambda: None)
    vectors, begins, ends = random_passages(8, count=20)
    blocks = int8_kernel.pack(torch.from_numpy(vectors))
    query = random_query(8, 3)
    found = int8_kernel.maxsim(blocks, begins, ends, query)
    expected = int8_kernel.maxsim(blocks, begins, ends, query, path="torch")
    np.testing.assert_array_equal(found, expected)
