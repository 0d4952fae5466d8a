"""Agreement of judges, against values worked out by hand, and scikit-learn's."""

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from optical_core.analysis.agreement import agreement


def test_kappa_is_agreement_beyond_chance():
    """Of 50 items 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: observed .7, by chance .5."""
    pairs = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    found = agreement(*({n: pair[side] for n, pair in enumerate(pairs)} for side in (0, 1)))
    assert found.both == 50
    assert found.same == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)
    assert found.binary == pytest.approx(0.4)


@pytest.mark.parametrize("seed", range(5))
def test_kappa_of_three_grades_is_that_of_scikit_learn(seed):
    drawn = np.random.default_rng(seed)
    one = drawn.integers(0, 3, 60)
    other = np.where(drawn.random(60) < 0.6, one, drawn.integers(0, 3, 60))
    found = agreement(dict(enumerate(one.tolist())), dict(enumerate(other.tolist())))
    assert found.same == pytest.approx((one == other).mean())
    assert found.kappa == pytest.approx(cohen_kappa_score(one, other))
    assert found.binary == pytest.approx(cohen_kappa_score(one > 0, other > 0))


def test_only_what_both_have_judged_counts():
    found = agreement({"a": 2, "b": 1, "c": 0}, {"a": 1, "b": 1, "d": 0})
    assert (found.both, found.same) == (2, 0.5)
    assert math.isnan(found.binary)  # all of it is relevant to both
    nothing = agreement({"a": 1}, {"b": 1})
    assert nothing.both == 0
    assert math.isnan(nothing.same)
    assert math.isnan(nothing.kappa)
