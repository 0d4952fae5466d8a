import math

import pytest

from optical_core.errors import InputError
from optical_core.serve import limits
from optical_core.serve.limits import Limits, RateLimit


@pytest.mark.parametrize("rate", [math.nan, math.inf])
def test_limits_are_numbers(rate):
    with pytest.raises(InputError, match="rate must be at least 0, got"):
        Limits(rate=rate)


def test_limits_that_let_nothing_through_are_refused():
    for name in ("query", "body", "top", "searches", "batch"):
        with pytest.raises(InputError, match=f"{name} must be at least 1, got 0"):
            Limits(**{name: 0})
    with pytest.raises(InputError, match="rate must be at least 0"):
        Limits(rate=-1)


def test_a_client_may_burst_then_goes_at_the_rate():
    now = [0.0]
    limit = RateLimit(2, clock=lambda: now[0])
    assert [limit.seconds_to_wait("a") for _ in range(4)] == [0, 0, 0, 0]
    assert limit.seconds_to_wait("a") == pytest.approx(0.5)
    assert limit.seconds_to_wait("b") == 0
    now[0] = 0.5
    assert limit.seconds_to_wait("a") == 0
    assert limit.seconds_to_wait("a") > 0


def test_further_searches_of_a_request_are_paid_for_later():
    now = [0.0]
    limit = RateLimit(2, clock=lambda: now[0])
    assert limit.seconds_to_wait("a") == 0
    limit.charge("a", 9)
    assert limit.seconds_to_wait("a") == pytest.approx(3.5)
    now[0] = 3.5
    assert limit.seconds_to_wait("a") == 0
    RateLimit(0).charge("a", 9)


def test_no_rate_is_no_limit_and_clients_are_forgotten(monkeypatch):
    assert not any(RateLimit(0).seconds_to_wait("a") for _ in range(100))
    monkeypatch.setattr(limits, "MOST_CLIENTS", 2)
    limit = RateLimit(0.1, clock=lambda: 0.0)
    assert limit.seconds_to_wait("a") == 0
    assert limit.seconds_to_wait("a") > 0
    for other in "bc":
        limit.seconds_to_wait(other)
    assert limit.seconds_to_wait("a") == 0
