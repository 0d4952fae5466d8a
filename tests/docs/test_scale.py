import numpy as np
import pytest

from tests.benchmarks import scale
from tests.docs.blocks import PAGES


def test_the_page_shows_what_the_script_prints():
    page = (PAGES / "scale.md").read_text("utf-8")
    for table in scale.tables():
        assert table in page


def test_bytes_of_a_passage():
    size = scale.passage_bytes(128)
    assert size["fp16"] == 60 * 256
    assert size["int8"] == 60 * 132
    assert size["means, int8"] == 8 * 132
    assert size["residual, 2 bits"] == 60 * 36
    assert scale.machines(193e9, 256e9) == 2
    assert scale.machines(191e9, 256e9) == 1


def test_an_idle_server_answers_in_the_time_of_one_query():
    found = scale.waiting(0.1, 1, first=40, more=40, seconds=3600)
    assert np.median(found) == pytest.approx(40)


def test_waiting_agrees_with_the_formula_of_a_queue_of_one_server():
    """M/D/1, served in batches that take as long as their queries one by one: a query waits at
    least the mean of Pollaczek and Khinchine, and at most the end of its batch more."""
    service, rate = 50, 10
    found = scale.waiting(rate, 1, first=service, more=service, seconds=5000)
    load = rate * service / 1000
    least = service + load * service / (2 * (1 - load))
    assert least < found.mean() < 2 * least


def test_more_load_needs_more_replicas():
    assert scale.needed(5, first=60, more=60) == 1
    assert scale.needed(40, first=60, more=60) > 2
