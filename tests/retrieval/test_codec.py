import numpy as np
import pytest
import torch

from optical_core.errors import InputError
from optical_core.retrieval.codec import FILE, Codec


def topical(count=2000, dimension=24, seed=0):
    """Unit vectors (T, d) around forty topics; the dimensions spread differently."""
    generator = torch.Generator().manual_seed(seed)
    topics = torch.randn(40, dimension, generator=generator)
    spread = torch.linspace(0.05, 0.6, dimension)
    picks = torch.randint(0, 40, (count,), generator=generator)
    vectors = topics[picks] + spread * torch.randn(count, dimension, generator=generator)
    return torch.nn.functional.normalize(vectors)


@pytest.mark.parametrize(("bits", "least"), [(2, 0.97), (4, 0.995), (8, 0.9999)])
def test_decoded_vectors_are_near_and_of_unit_length(bits, least):
    vectors = topical()
    made = Codec.train(vectors, bits=bits)
    decoded = made.decode(made.encode(vectors))
    assert (decoded * vectors).sum(1).mean() > least
    np.testing.assert_allclose(decoded.norm(dim=1), 1, atol=2e-3)
    assert made.record_bytes == 4 + 24 * bits // 8


def test_equal_steps_leave_less_error_than_the_papers_quantiles():
    vectors = topical()
    made = Codec.train(vectors, bits=2)
    residuals = vectors - made.centroids[made.near.nearest(vectors)]
    steps = (residuals / made.steps + made.middle).round().clamp(0, 3)
    ours = (residuals - (steps - made.middle) * made.steps).square().mean()
    bounds = torch.quantile(residuals, torch.tensor([0.25, 0.5, 0.75]), dim=0)
    weights = torch.quantile(residuals, torch.tensor([0.125, 0.375, 0.625, 0.875]), dim=0)
    buckets = (residuals[None] > bounds[:, None]).sum(0)
    theirs = (residuals - weights.gather(0, buckets)).square().mean()
    assert ours < 0.9 * theirs


def test_fewer_directions_keep_the_principal_ones_and_the_whole_centroids():
    vectors = topical()
    made = Codec.train(vectors, bits=8, directions=8)
    assert (made.directions, made.dimension, made.record_bytes) == (8, 24, 12)
    residuals = vectors - made.centroids[made.near.nearest(vectors)]
    kept = (residuals @ made.basis).square().sum() / residuals.square().sum()
    assert kept > 0.6 > 8 / 24
    np.testing.assert_allclose(made.basis.T @ made.basis, np.eye(8), atol=1e-5)


def test_a_codec_comes_back_from_its_folder(tmp_path):
    vectors = topical()
    made = Codec.train(vectors, bits=2, directions=9)
    made.save(tmp_path)
    opened = Codec.open(tmp_path)
    assert opened.equals(made)
    np.testing.assert_array_equal(opened.encode(vectors), made.encode(vectors))
    assert not opened.equals(Codec.train(topical(seed=1), bits=2, directions=9))
    assert not opened.equals(Codec.train(vectors, bits=4, directions=9))
    assert not opened.equals(Codec.train(vectors, bits=2))


def test_training_can_be_repeated_and_takes_few_or_no_vectors():
    vectors = topical(300)
    assert Codec.train(vectors, bits=2).equals(Codec.train(vectors, bits=2))
    for count in (0, 1, 5):
        made = Codec.train(vectors[:count], bits=4)
        records = made.encode(vectors[:count])
        assert records.shape == (count, made.record_bytes)
        assert torch.isfinite(made.decode(records)).all()


@pytest.mark.parametrize("content", [b"", b"\xff" * 90, None])
def test_a_damaged_codec_is_told(tmp_path, content):
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        Codec.open(tmp_path)
