import numpy as np
import pytest

from optical_core.retrieval.token_index import TokenIndex


@pytest.fixture
def topical_index(tmp_path):
    """600 passages of 8-16 tokens around shared topics, as an index in memory."""
    generator = np.random.default_rng(0)
    topics = generator.standard_normal((60, 32))
    lengths = generator.integers(8, 17, 600)
    picks = generator.integers(0, 60, lengths.sum())
    vectors = topics[picks] + 0.6 * generator.standard_normal((lengths.sum(), 32))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = tuple(f"p{number}" for number in range(600))
    return TokenIndex(tmp_path, "e", "h", 32, ids, offsets, vectors.astype(np.float16))
