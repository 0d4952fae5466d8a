"""The solvers' paths for ARM64 under qemu."""

from pathlib import Path

import numpy as np
import pytest
import torch

from optical_core.transport import TransportSettings, lanes, solve
from tests import arm

SOURCES = Path(lanes.__file__).parent


def problem(count=6, height=13, width=9):
    """Pairs of sentences of several lengths: tokens without mass are padding."""
    generator = np.random.default_rng(0)
    cost = torch.from_numpy(generator.uniform(0, 2, (count, height, width)).astype(np.float32))
    masses = []
    for size in (height, width):
        mass = torch.from_numpy(generator.uniform(0.5, 1, (count, size)).astype(np.float32))
        for pair in range(count):
            mass[pair, size - pair % 4 :] = 0
        masses.append(mass / mass.sum(1, keepdim=True))
    return cost, *masses


@pytest.fixture(scope="module")
def on_arm(tmp_path_factory):
    """Solve a problem on an ARM64 processor, by one path: the plans, and which converged."""
    folder = tmp_path_factory.mktemp("arm")

    def run(solver, path, given, *, epsilon=0.0, tolerance=0.0, most=0):
        special = ["-DEXACT"] if solver == "exact" else ["-ffp-contract=fast"]
        flags = [*lanes._FLAGS, *lanes._PATHS[path], *special, f"-I{SOURCES}"]
        source = Path(__file__).with_name("on_arm.c")
        program = arm.compiled(source, folder / f"{solver}-{path}", *flags)
        kind = np.float64 if solver == "exact" else np.float32
        arrays = (
            np.array([*given[0].shape, most], np.int64),
            np.array([epsilon, tolerance]),
            given[0].numpy(),
            *(mass.numpy().astype(kind) for mass in given[1:]),
        )
        code, found = arm.run(program, arrays)
        assert code == 0, code
        count = len(given[0])
        plan = np.frombuffer(found[count:], np.float32).reshape(given[0].shape)
        return plan, np.frombuffer(found[:count], np.uint8).astype(bool)

    return run


@pytest.mark.slow
@pytest.mark.parametrize("path", ["portable", "neon"])
def test_exact_plans_on_arm_are_those_of_this_processor(on_arm, path):
    given = problem()
    plan, converged = on_arm("exact", path, given, most=10_000)
    expected = solve(*given, TransportSettings("exact")).plan.numpy()
    assert converged.all()
    np.testing.assert_allclose(plan, expected, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["portable", "neon"])
def test_entropic_plans_on_arm_are_those_of_this_processor(on_arm, path):
    given = problem()
    settings = TransportSettings("sinkhorn", epsilon=0.1, tolerance=1e-6, max_iterations=5000)
    plan, converged = on_arm("sinkhorn", path, given, epsilon=0.1, tolerance=1e-6, most=5000)
    expected = solve(*given, settings).plan.numpy()
    assert converged.all()
    np.testing.assert_allclose(plan, expected, atol=2e-5)
