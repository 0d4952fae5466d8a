"""Agreement of judges, against values worked out by hand."""

import math

import pytest

from optical_core.analysis.agreement import agreement


def test_kappa_is_agreement_beyond_chance():
    """Of 50 items 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: observed .7, by chance .5."""
    pairs = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    found = agreement(*({n: pair[side] for n, pair in enumerate(pairs)} for side in (0, 1)))
    assert found.both == 50
    assert found.same == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)
    assert found.binary == pytest.approx(0.4)


def test_only_what_both_have_judged_counts():
    found = agreement({"a": 2, "b": 1, "c": 0}, {"a": 1, "b": 1, "d": 0})
    assert (found.both, found.same) == (2, 0.5)
    assert math.isnan(found.binary)  # all of it is relevant to both
    nothing = agreement({"a": 1}, {"b": 1})
    assert nothing.both == 0
    assert math.isnan(nothing.same)
    assert math.isnan(nothing.kappa)
