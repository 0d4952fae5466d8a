"""The long run notices what grows."""

import pytest

from tests.benchmarks.long_run import Report, State, long_run


def steps(done: list, step=lambda: None):
    while True:
        step()
        done.append(None)
        yield


def test_every_step_is_taken():
    searched, rerun = [], []
    report = long_run(steps(searched), steps(rerun), (20, 10))
    assert (len(searched), len(rerun)) == (20, 10)
    assert report.warm.memory > 0


def test_a_file_left_open_after_a_fifth_of_the_steps_is_noticed(tmp_path):
    opened = []

    def leak():
        opened.append((tmp_path / str(len(opened))).open("w"))

    try:
        report = long_run(steps([], leak), steps([]), (20, 0))
        assert report.grew
        assert report.end.files - report.warm.files == 16
    finally:
        for file in opened:
            file.close()


@pytest.mark.parametrize(("memory", "grew"), [(104.9, False), (105.1, True)])
def test_memory_may_grow_by_less_than_five_per_cent(memory, grew):
    report = Report(1, 1, State(100.0, 3, 1), State(memory, 3, 1), 1.0)
    assert report.grew is grew
