"""What the browser is given of how solvers find a plan."""

import base64

import numpy as np
import pytest

from optical_core.models.alignment import EncodedPair, solve_pair
from optical_core.models.tokens import Token
from optical_core.transport import TransportSettings
from optical_core.ui.alignment.process import EPSILONS, MOST_CELLS, STOPS, process_data


def pair(n=6, m=5):
    generator = np.random.default_rng(0)
    sides = [generator.normal(size=(k, 8)).astype(np.float32) for k in (n, m)]
    tokens = [
        tuple(Token(f"w{i}", i // 2, 0, 0, "text", True) for i in range(len(side)))
        for side in sides
    ]
    return EncodedPair(*sides, *tokens, truncated=0)


def plans(data, run):
    shape = (-1, len(data["left"]["words"]), len(data["right"]["words"]))
    shares = np.frombuffer(base64.b64decode(run["plans"]), "<u2")
    return shares.reshape(shape) * data["scale"] / 65535


@pytest.fixture(scope="module")
def data():
    return process_data(pair(), TransportSettings("sinkhorn", 0.05), "token")


def test_there_is_a_run_an_epsilon_with_error_and_cost_at_every_iteration(data):
    assert [solver["name"] for solver in data["solvers"]] == ["Sinkhorn", "Unbalanced"]
    assert EPSILONS[data["start"]] == 0.05
    for solver in data["solvers"]:
        assert len(solver["runs"]) == len(EPSILONS)
        for run in solver["runs"]:
            assert len(run["costs"]) == len(run["errors"]) == run["iterations"] <= STOPS[-1]
            shown = sum(stop <= run["iterations"] for stop in STOPS)
            assert len(plans(data, run)) in (shown, shown + 1)


def test_plans_are_those_of_the_solvers(data):
    (exact,) = plans(data, data["exact"]["runs"][0])
    np.testing.assert_allclose(exact, solve_pair(pair()).plan, atol=1e-4)
    for solver, method in zip(data["solvers"], ("sinkhorn", "unbalanced"), strict=True):
        solved = solve_pair(pair(), TransportSettings(method, 0.2))
        run = solver["runs"][EPSILONS.index(0.2)]
        np.testing.assert_allclose(plans(data, run)[-1], solved.plan, atol=1e-4)
        assert run["costs"][-1] == pytest.approx(solved.total_cost, rel=1e-3)


def test_words_ipot_and_texts_that_are_too_long():
    data = process_data(pair(), TransportSettings("ipot", 0.05), "word")
    assert data["solvers"][0]["name"] == "IPOT"
    assert plans(data, data["solvers"][0]["runs"][0]).shape[1:] == (3, 3)
    side = int(MOST_CELLS**0.5) + 1
    assert process_data(pair(side, side), TransportSettings(), "token") is None
