"""What the benchmarks measure with."""

import pytest

from tests.benchmarks import plaid, timing, where


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when told to."""
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def let_pass(seconds):
        now[0] += seconds

    return let_pass


def test_what_is_short_is_run_as_often_as_a_round_takes(clock):
    calls = {"short": 0, "long": 0}

    def contender(name, seconds):
        def run():
            calls[name] += 1
            clock(seconds)

        return run

    contenders = {"short": contender("short", 0.01), "long": contender("long", 3.0)}
    found = timing.side_by_side(contenders, repeats=2, least_seconds=0.1)
    assert found["short"].median == pytest.approx(10)
    assert found["long"].median == pytest.approx(3000)
    assert calls == {"short": 2 + 2 * 10, "long": 2 + 2}


def test_time_is_counted_once_where_parts_call_each_other(clock):
    watch = where.Stopwatch()
    inner = watch.timed("inner", lambda: clock(2))

    def outer():
        clock(1)
        inner()
        inner()

    watch.timed("outer", outer)()
    assert watch.seconds == {"outer": pytest.approx(1), "inner": pytest.approx(4)}


def test_without_its_interpreter_fast_plaid_is_left_out(monkeypatch, capsys):
    monkeypatch.delenv(plaid.VARIABLE, raising=False)
    with plaid.plaid(None, 4) as found:
        assert found is None
    assert plaid.VARIABLE in capsys.readouterr().err
