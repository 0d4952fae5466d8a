"""Families of sign-flip tests and bootstraps against scipy, exact counts and formulas."""

import itertools
import tracemalloc

import numpy as np
import pytest
from scipy import stats

from optical_core.analysis import resampling
from optical_core.analysis.resampling import bootstrap_intervals, sign_flip_p


def draws(seed, sizes, mean=0.0):
    generator = np.random.default_rng(seed)
    return [generator.normal(mean, 1, size) for size in sizes]


def scipy_p(values, resamples=10_000):
    test = stats.permutation_test(
        (values,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=500,
        rng=np.random.default_rng(5),
    )
    return test.pvalue


def test_few_topics_have_scipys_exact_p():
    samples = draws(0, [2, 3, 5, 5, 8, 11, 13, 13], mean=0.4)
    assert sign_flip_p(samples) == pytest.approx([scipy_p(s) for s in samples], abs=1e-12)


def test_many_topics_have_nearly_scipys_p():
    samples = draws(1, [14, 40, 40, 200], mean=0.15)
    for own, theirs in zip(sign_flip_p(samples), map(scipy_p, samples), strict=True):
        # Both are drawn, scipy doubles one tail: four standard errors of the difference.
        error = (theirs * (1 - theirs) + theirs * (2 - theirs)) ** 0.5 / 10_000**0.5
        assert own == pytest.approx(theirs, abs=4 * error)


@pytest.mark.parametrize("tenths", [[1, 2, -3, 4], [1, 2, 3, -6, 0], [7, -1, 1, 3, 3, -2, 1, 6]])
def test_ties_are_counted_as_in_whole_numbers(tenths):
    signs = itertools.product([1, -1], repeat=len(tenths))
    totals = [abs(np.dot(sign, tenths)) for sign in signs]
    expected = np.mean([total >= abs(sum(tenths)) for total in totals])
    assert sign_flip_p([np.array(tenths) / 10]) == [expected]
    assert sign_flip_p([np.array(tenths) / 3e-7]) == [expected]


def test_the_observed_signs_count_among_the_drawn_ones():
    assert sign_flip_p([np.ones(300)], resamples=999) == [1 / 1000]


def test_what_does_not_vary_or_is_alone_tells_nothing():
    assert sign_flip_p([np.zeros(30), np.array([3.0]), np.array([])]) == [1, 1, 1]
    assert sign_flip_p([]) == []


def test_a_p_does_not_depend_on_its_family(monkeypatch):
    samples = draws(2, [50, 9, 50, 120, 9, 50, 300])
    together = sign_flip_p(samples, seed=3)
    assert [sign_flip_p([sample], seed=3)[0] for sample in samples] == together
    assert sign_flip_p(samples[::-1], seed=3) == together[::-1]
    assert sign_flip_p(samples, seed=4) != together
    monkeypatch.setattr(resampling, "BLOCK", 777)
    assert sign_flip_p(samples, seed=3) == together


@pytest.mark.parametrize("topics", [7, 40])
def test_p_is_uniform_where_there_is_no_difference(topics):
    # The signs are shared: only another seed for each test makes the tests independent.
    samples = draws(3, [topics] * 400)
    found = [sign_flip_p([s], resamples=500, seed=i)[0] for i, s in enumerate(samples)]
    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=0.035)


def test_an_interval_is_that_of_the_resampled_means_and_of_no_family(monkeypatch):
    samples = draws(4, [30, 80, 30, 80, 5])
    contrasts = [[(1.0, sample)] for sample in samples]
    together = bootstrap_intervals(contrasts, seed=2)
    for sample, interval in zip(samples, together, strict=True):
        picks = np.random.default_rng(2).integers(0, len(sample), (10_000, len(sample)))
        expected = np.quantile(sample[picks].mean(1), [0.025, 0.975])
        assert interval == pytest.approx(tuple(expected), abs=1e-12)
        alone = bootstrap_intervals([[(1.0, sample)]], seed=2)
        assert alone == [pytest.approx(interval, abs=1e-12)]
    monkeypatch.setattr(resampling, "BLOCK", 777)
    for before, after in zip(together, bootstrap_intervals(contrasts, seed=2), strict=True):
        assert after == pytest.approx(before, abs=1e-12)


def test_samples_of_one_contrast_are_drawn_apart_even_if_equally_many():
    sample = draws(5, [60])[0]
    ((low, high),) = bootstrap_intervals([[(1.0, sample), (-1.0, sample)]])
    error = (2 * sample.var() / 60) ** 0.5
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_confidence_widens_and_a_constant_is_a_point():
    contrast = [(1.0, draws(6, [50])[0])]
    narrow, wide = (bootstrap_intervals([contrast], confidence=c)[0] for c in (0.5, 0.99))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert bootstrap_intervals([[(0.5, np.full(3, 0.1)), (-1.0, np.full(2, 0.1))]]) == [
        pytest.approx((-0.05, -0.05))
    ]


@pytest.mark.parametrize("compute", ["signs", "bootstrap"])
def test_memory_is_bounded_however_many_resamples_and_topics(compute):
    samples = draws(7, [2_000] * 20)
    tracemalloc.start()
    if compute == "signs":
        sign_flip_p(samples, resamples=4_000)
    else:
        bootstrap_intervals([[(1.0, sample)] for sample in samples], resamples=4_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The whole matrix of signs or counts is 64 MB.
    assert peak < 40e6
