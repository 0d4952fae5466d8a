import numpy as np
import pytest
import torch

from optical_core.retrieval.centroid_products import centroid_products
from tests.retrieval.test_int8_kernel import compiled  # noqa: F401


@pytest.mark.parametrize("tokens", [1, 12, 16, 17, 40])
@pytest.mark.parametrize(("count", "dimension"), [(1, 3), (13, 32), (600, 384)])
def test_every_path_gives_the_same_products_and_nearly_torchs(
    compiled,  # noqa: F811
    count,
    dimension,
    tokens,
):
    generator = np.random.default_rng(0)
    centroids = torch.from_numpy(generator.standard_normal((count, dimension), np.float32))
    query = generator.standard_normal((tokens, dimension)).astype(np.float16)
    expected = centroid_products(centroids, query, path="torch")
    np.testing.assert_allclose(expected, centroids.numpy() @ query.astype(np.float32).T, atol=1e-4)
    portable = centroid_products(centroids, query, path="portable")
    np.testing.assert_allclose(portable, expected, atol=1e-4)
    fused = [centroid_products(centroids, query, path=path) for path in compiled[1:]]
    for found in fused:
        np.testing.assert_allclose(found, expected, atol=1e-4)
        np.testing.assert_array_equal(found, fused[0])
