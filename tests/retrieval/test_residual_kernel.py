import numpy as np
import pytest
import torch

from optical_core.retrieval import int8_kernel, residual_kernel
from optical_core.retrieval.codec import Codec
from tests.retrieval.test_int8_kernel import compiled, random_query  # noqa: F401


def coded(dimension, bits, *, directions=None, count=90):
    """A codec, its vectors' records, and begins and ends of passages of 0 to 22 tokens."""
    generator = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(generator.integers(0, 23, count))])
    vectors = torch.from_numpy(generator.standard_normal((offsets[-1], dimension), np.float32))
    vectors = torch.nn.functional.normalize(vectors)
    codec = Codec.train(vectors, bits=bits, directions=directions)
    return codec, codec.encode(vectors), offsets[:-1].copy(), offsets[1:].copy()


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize(("dimension", "directions"), [(5, None), (32, None), (384, None), (32, 9)])
def test_every_path_gives_torchs_very_scores(compiled, dimension, directions, bits):  # noqa: F811
    codec, records, begins, ends = coded(dimension, bits, directions=directions)
    blocks = residual_kernel.to_blocks(records, bits)
    for tokens in (1, 9, 17, 33):
        query = random_query(dimension, tokens)
        expected = residual_kernel.maxsim(codec, blocks, begins, ends, query, path="torch")
        for path in compiled:
            found = residual_kernel.maxsim(codec, blocks, begins, ends, query, path=path)
            np.testing.assert_array_equal(found, expected, err_msg=f"{path}, {tokens} tokens")


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("directions", [None, 20])
def test_scores_are_those_of_the_decoded_vectors(bits, directions):
    codec, records, begins, ends = coded(64, bits, directions=directions)
    query = random_query(64, 6)
    query /= np.linalg.norm(query, axis=1, keepdims=True)
    blocks = residual_kernel.to_blocks(records, bits)
    found = residual_kernel.maxsim(codec, blocks, begins, ends, query)
    vectors = codec.decode(records).numpy()
    expected = [
        (query @ vectors[begin:end].T).max(1).sum() if end > begin else 0.0
        for begin, end in zip(begins, ends, strict=True)
    ]
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert (found[begins == ends] == 0).all()


def test_records_come_back_from_the_blocks():
    for bits in (2, 4, 8):
        _, records, _, _ = coded(21, bits)
        blocks = residual_kernel.to_blocks(records, bits)
        tokens = np.random.default_rng(1).permutation(len(records))[:50]
        np.testing.assert_array_equal(
            residual_kernel.to_records(blocks, tokens, bits), records[tokens]
        )


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize(("dimension", "directions"), [(21, None), (64, None), (40, 9)])
def test_both_ways_decode_the_same_vectors(compiled, dimension, directions, bits, monkeypatch):  # noqa: F811
    codec, records, _, _ = coded(dimension, bits, directions=directions)
    blocks = residual_kernel.to_blocks(records, bits)
    tokens = np.random.default_rng(1).permutation(len(records))
    found = residual_kernel.decoded(codec, blocks, tokens)
    expected = codec.decode(records[tokens]).numpy()
    monkeypatch.setattr(int8_kernel, "library", lambda: None)
    np.testing.assert_array_equal(residual_kernel.decoded(codec, blocks, tokens), expected)
    if directions is None:
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_query_at_right_angles_to_every_direction_scores_by_the_centroids():
    codec = Codec(2, torch.eye(8)[:2], torch.ones(1), torch.eye(8)[:, 7:])
    records = codec.encode(torch.eye(8)[:2])
    blocks = residual_kernel.to_blocks(records, 2)
    scores = residual_kernel.maxsim(
        codec, blocks, np.array([0, 1]), np.array([1, 2]), np.eye(8, dtype=np.float32)[:1]
    )
    assert scores[0] > 0.8
    assert scores[1] == 0


def test_without_the_library_torch_scores(monkeypatch):
    codec, records, begins, ends = coded(16, 4)
    blocks, query = residual_kernel.to_blocks(records, 4), random_query(16, 3)
    expected = residual_kernel.maxsim(codec, blocks, begins, ends, query)
    monkeypatch.setattr(int8_kernel, "library", lambda: None)
    found = residual_kernel.maxsim(codec, blocks, begins, ends, query)
    np.testing.assert_array_equal(found, expected)
