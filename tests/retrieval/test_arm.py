"""The ARM64 paths of the C code under qemu."""

from pathlib import Path

import numpy as np
import pytest
import torch

from optical_core.retrieval import int8_kernel, residual_kernel
from tests import arm
from tests.retrieval.test_int8_kernel import compiled, random_passages, random_query  # noqa: F401
from tests.retrieval.test_residual_kernel import coded

PATHS = ("portable", "neon", "dotprod")
SOURCES = Path(int8_kernel.__file__).parent


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    """maxsim.c as a program for ARM64."""
    path = tmp_path_factory.mktemp("arm") / "maxsim"
    flags = [*int8_kernel._FLAGS, "-Wall", "-Werror", f"-I{SOURCES}"]
    return arm.compiled(Path(__file__).with_name("on_arm.c"), path, *flags)


@pytest.fixture
def on_arm(program, compiled, monkeypatch):  # noqa: F811
    """Let scores be computed on an ARM64 processor; the calls' `path` says by which code."""

    def run(cpu):
        def maxsim(_, path, blocks, begins, ends, query, factors, *, bits=0, table=None):
            products = np.zeros(0, np.float32) if table is None else np.ascontiguousarray(table)
            sizes = (PATHS.index(path), bits, blocks.nbytes, products.size, len(begins))
            numbers = np.array([*sizes, *query.shape[::-1], PATHS.index(path)], np.int64)
            arrays = (numbers, blocks, products, begins, ends, query, factors)
            code, scores = arm.run(program, arrays, cpu=cpu)
            assert code == 0, (path, code)
            return np.frombuffer(scores, np.float32)

        monkeypatch.setattr(int8_kernel, "compiled_maxsim", maxsim)

    return run


@pytest.mark.slow
@pytest.mark.parametrize("dimension", [5, 32, 132])
@pytest.mark.parametrize(
    ("path", "cpu"), [*((path, "max") for path in PATHS), ("neon", "cortex-a72")]
)
def test_scores_of_bytes_are_torchs_on_arm(on_arm, path, cpu, dimension):
    vectors, begins, ends = random_passages(dimension)
    blocks = int8_kernel.pack(torch.from_numpy(vectors))
    on_arm(cpu)
    for tokens in (1, 2, 7, 33):
        query = random_query(dimension, tokens)
        expected = int8_kernel.maxsim(blocks, begins, ends, query, path="torch")
        found = int8_kernel.maxsim(blocks, begins, ends, query, path=path)
        np.testing.assert_array_equal(found, expected, err_msg=f"{tokens} tokens")


@pytest.mark.slow
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("path", PATHS)
def test_scores_of_residuals_are_torchs_on_arm(on_arm, path, bits):
    codec, records, begins, ends = coded(32, bits)
    blocks = residual_kernel.to_blocks(records, bits)
    on_arm("max")
    for tokens in (1, 6, 17):
        query = random_query(32, tokens)
        expected = residual_kernel.maxsim(codec, blocks, begins, ends, query, path="torch")
        found = residual_kernel.maxsim(codec, blocks, begins, ends, query, path=path)
        np.testing.assert_array_equal(found, expected, err_msg=f"{tokens} tokens")


def test_a_processor_without_products_of_bytes_lacks_their_path(on_arm):
    vectors, begins, ends = random_passages(32)
    on_arm("cortex-a72")
    with pytest.raises(AssertionError, match="'dotprod', 4"):
        blocks = int8_kernel.pack(torch.from_numpy(vectors))
        int8_kernel.maxsim(blocks, begins, ends, random_query(32, 3), path="dotprod")
